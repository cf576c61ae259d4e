// Tries examples/csharp/Sealing.cs: derives keys, seals and opens packets, agrees on keys, and measures what it costs. Takes lines of words, and answers each with one line:
//
//   derive <link> <pair key> <shared> <three words of end a> <three of end b>    the keys, and the safety code
//   seal <cipher key> <mac key> <link> <counter> <kind> <payload>                the packet
//   open <cipher key> <mac key> <packet>                                         the kind and the payload, or "forged"
//   agree <private key> <private key>                                            what the two agree on
//   cost                                                                         microseconds
//
// Bytes are hex, "-" for none. An end's words are its client id, its commitment and its features with commas between.
using System;
using System.Diagnostics;
using System.Linq;

static class Program
{
    static void Main()
    {
        for (string line = Console.ReadLine(); line != null; line = Console.ReadLine())
            Console.WriteLine(Answer(line.Split(' ')));
    }

    static string Answer(string[] words)
    {
        switch (words[0])
        {
            case "derive":
                return LinkKeys.Derive(words[1], Hex.Bytes(words[2]), Hex.Bytes(words[3]), words.Skip(4).Take(3), words.Skip(7).Take(3));
            case "seal":
                return Hex.Text(new Direction(Hex.Bytes(words[1]), Hex.Bytes(words[2]))
                    .Seal(Hex.Bytes(words[3]), long.Parse(words[4]), byte.Parse(words[5]), Hex.Bytes(words[6])));
            case "open":
                byte[] opened = new Direction(Hex.Bytes(words[1]), Hex.Bytes(words[2])).Open(Hex.Bytes(words[3]));
                return opened == null ? "forged" : Hex.Text(opened);
            case "agree":
                return Agreed(Hex.Bytes(words[1]), Hex.Bytes(words[2]));
            default:
                return Cost.Measure();
        }
    }

    static string Agreed(byte[] alice, byte[] bob)
    {
        byte[] one = X25519.Multiply(alice, X25519.Multiply(bob, X25519.Base));
        byte[] other = X25519.Multiply(bob, X25519.Multiply(alice, X25519.Base));
        return one.SequenceEqual(other) ? Hex.Text(one) : "differ";
    }
}

/// The best of several rounds: what it costs where nothing disturbs.
static class Cost
{
    const int rounds = 30, packets = 200;

    public static string Measure()
    {
        byte[] link = { 1, 2, 3, 4, 5, 6 }, payload = new byte[1000];
        var outgoing = new Direction(new byte[16], new byte[16]);
        var incoming = new Direction(new byte[16], new byte[16]);
        double seal = double.MaxValue, open = double.MaxValue, agree = double.MaxValue;
        long counter = 0;
        byte[][] sealedOnes = new byte[packets][];
        for (int round = 0; round < rounds; round++)
        {
            seal = Math.Min(seal, Time(() =>
            {
                for (int i = 0; i < packets; i++) sealedOnes[i] = outgoing.Seal(link, counter++, 0, payload);
            }) / packets);
            open = Math.Min(open, Time(() =>
            {
                foreach (byte[] one in sealedOnes)
                    if (incoming.Open(one) == null) throw new Exception("forged");
            }) / packets);
            agree = Math.Min(agree, Time(() => X25519.Multiply(payload.Take(32).ToArray(), X25519.Base)));
        }
        return string.Format(System.Globalization.CultureInfo.InvariantCulture,
            "{{\"sealUs\": {0:0.0}, \"openUs\": {1:0.0}, \"agreeUs\": {2:0}}}", seal, open, agree);
    }

    static double Time(Action work)
    {
        var watch = Stopwatch.StartNew();
        work();
        return watch.Elapsed.TotalMilliseconds * 1000;
    }
}
