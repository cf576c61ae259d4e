// JSON, as far as the protocol needs it: objects are Dictionary<string, object>, lists are List<object>, numbers are double.
using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

static class Json
{
    public static string Write(object value)
    {
        if (value == null) return "null";
        if (value is bool) return (bool)value ? "true" : "false";
        if (value is string) return Quoted((string)value);
        var fields = value as IDictionary<string, object>;
        if (fields != null)
            return "{" + string.Join(",", fields.Select(field => Quoted(field.Key) + ":" + Write(field.Value))) + "}";
        var items = value as System.Collections.IEnumerable;
        if (items != null) return "[" + string.Join(",", items.Cast<object>().Select(Write)) + "]";
        return Convert.ToString(value, CultureInfo.InvariantCulture);
    }

    /// Throws FormatException for what is no JSON object.
    public static Dictionary<string, object> Object(string text)
    {
        try
        {
            var fields = new Reader(text).Value() as Dictionary<string, object>;
            if (fields != null) return fields;
        }
        catch (IndexOutOfRangeException) { }
        throw new FormatException("This is no JSON object.");
    }

    static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char one in text)
        {
            if (one == '"' || one == '\\') quoted.Append('\\').Append(one);
            else if (one < ' ') quoted.AppendFormat("\\u{0:x4}", (int)one);
            else quoted.Append(one);
        }
        return quoted.Append('"').ToString();
    }

    sealed class Reader
    {
        readonly string text;
        int at;

        public Reader(string text) { this.text = text; }

        public object Value()
        {
            switch (Next())
            {
                case '{':
                    var fields = new Dictionary<string, object>();
                    at++;
                    while (Next() != '}')
                    {
                        string name = String();
                        Take(':');
                        fields[name] = Value();
                        if (Next() == ',') at++;
                    }
                    at++;
                    return fields;
                case '[':
                    var items = new List<object>();
                    at++;
                    while (Next() != ']')
                    {
                        items.Add(Value());
                        if (Next() == ',') at++;
                    }
                    at++;
                    return items;
                case '"':
                    return String();
                case 't':
                    return Word("true", true);
                case 'f':
                    return Word("false", false);
                case 'n':
                    return Word("null", null);
                default:
                    int start = at;
                    while (at < text.Length && "+-.eE0123456789".IndexOf(text[at]) >= 0) at++;
                    return double.Parse(text.Substring(start, at - start), CultureInfo.InvariantCulture);
            }
        }

        /// The next character that is no space.
        char Next()
        {
            while (char.IsWhiteSpace(text[at])) at++;
            return text[at];
        }

        void Take(char wanted)
        {
            if (Next() != wanted) throw new FormatException("This is no JSON.");
            at++;
        }

        object Word(string word, object value)
        {
            at += word.Length;
            return value;
        }

        string String()
        {
            Take('"');
            var read = new StringBuilder();
            for (; text[at] != '"'; at++)
            {
                if (text[at] != '\\')
                {
                    read.Append(text[at]);
                    continue;
                }
                at++;
                if (text[at] == 'u')
                {
                    read.Append((char)int.Parse(text.Substring(at + 1, 4), NumberStyles.HexNumber));
                    at += 4;
                }
                else
                {
                    int special = "bfnrt".IndexOf(text[at]);
                    read.Append(special < 0 ? text[at] : "\b\f\n\r\t"[special]);
                }
            }
            at++;
            return read.ToString();
        }
    }
}
