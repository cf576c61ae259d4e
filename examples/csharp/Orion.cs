// A client's connection to the server: HTTP, the WebSocket, and the messages (docs/protocol.md).
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Net;
using System.Net.WebSockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

/// The server said no. Show the sentences to the player.
sealed class Refused : Exception
{
    public Refused(string sentences) : base(sentences) { }
}

sealed class Message
{
    public string Method;
    public Dictionary<string, object> Payload;

    public static string Encode(string method, Dictionary<string, object> payload)
    {
        return method + ":" + Convert.ToBase64String(Encoding.UTF8.GetBytes(Json.Write(payload)));
    }

    /// Null for anything that is no message.
    public static Message Decode(string text)
    {
        int colon = text.IndexOf(':');
        if (colon < 1) return null;
        try
        {
            string json = Encoding.UTF8.GetString(Convert.FromBase64String(text.Substring(colon + 1)));
            return new Message { Method = text.Substring(0, colon), Payload = Json.Object(json) };
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

sealed class Connection
{
    /// What has come, in order. Its end is a null.
    public readonly ConcurrentQueue<Message> Messages = new ConcurrentQueue<Message>();
    public readonly string Token, ClientId;
    readonly string server, secretToken;
    readonly ClientWebSocket socket = new ClientWebSocket();
    readonly object sending = new object();
    readonly double pingMs;
    readonly Stopwatch sincePing = Stopwatch.StartNew();

    /// `features`: what the client can do; null for a client that knows Orion alone.
    public Connection(string server, string path, string[] features)
    {
        this.server = server;
        ServicePointManager.Expect100Continue = false;
        var url = new Uri("ws" + server.Substring("http".Length) + path);
        socket.ConnectAsync(url, CancellationToken.None).Wait();
        Task.Run(() => Receive());
        Message registered;
        while (!Messages.TryDequeue(out registered)) Thread.Sleep(1);
        if (registered == null) throw new IOException("The server has closed the connection.");
        var told = registered.Payload;
        Token = (string)told["token"];
        ClientId = told.ContainsKey("clientId") ? (string)told["clientId"] : "";
        secretToken = told.ContainsKey("secretToken") ? (string)told["secretToken"] : Token;
        pingMs = told.ContainsKey("pingMs") ? (double)told["pingMs"] : double.PositiveInfinity;
        if (features != null) Say("client_features", new Dictionary<string, object> { { "features", features } });
        if (told.ContainsKey("pingMs")) Say("client_pings", new Dictionary<string, object>());
    }

    public void Say(string method, Dictionary<string, object> payload)
    {
        payload["token"] = Token;
        Send(Message.Encode(method, payload));
    }

    /// Call it often: it pings when it is time.
    public void Ping()
    {
        if (sincePing.ElapsedMilliseconds < pingMs) return;
        sincePing.Restart();
        Send("ping");
    }

    /// The answer to a POST. Waits as the server says when it was asked too often. Throws Refused.
    public Dictionary<string, object> Ask(string path, Dictionary<string, object> body)
    {
        body["token"] = secretToken;
        byte[] bytes = Encoding.UTF8.GetBytes(Json.Write(body));
        for (int tries = 1; ; tries++)
        {
            var request = (HttpWebRequest)WebRequest.Create(server + path);
            request.Method = "POST";
            request.KeepAlive = false;
            using (var stream = request.GetRequestStream()) stream.Write(bytes, 0, bytes.Length);
            try
            {
                using (var response = request.GetResponse()) return Answer(response);
            }
            catch (WebException error)
            {
                var response = error.Response as HttpWebResponse;
                if (response == null) throw;
                int status = (int)response.StatusCode;
                string wait = response.Headers["Retry-After"] ?? "1";
                var answer = Answer(response);
                if (status != 429 || tries > 3)
                    throw new Refused(string.Join(" ", (List<object>)answer["errors"]));
                Thread.Sleep(int.Parse(wait) * 1000);
            }
        }
    }

    public void Close()
    {
        try
        {
            socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "", CancellationToken.None).Wait(1000);
        }
        catch (AggregateException) { }
    }

    static Dictionary<string, object> Answer(WebResponse response)
    {
        using (var reader = new StreamReader(response.GetResponseStream(), Encoding.UTF8))
        {
            string text = reader.ReadToEnd();
            return Json.Object(text == "" ? "{}" : text);
        }
    }

    void Send(string text)
    {
        var bytes = new ArraySegment<byte>(Encoding.UTF8.GetBytes(text));
        lock (sending) socket.SendAsync(bytes, WebSocketMessageType.Text, true, CancellationToken.None).Wait();
    }

    void Receive()
    {
        var room = new byte[65536];
        var whole = new MemoryStream();
        try
        {
            while (socket.State == WebSocketState.Open)
            {
                var part = socket.ReceiveAsync(new ArraySegment<byte>(room), CancellationToken.None).Result;
                if (part.MessageType == WebSocketMessageType.Close) break;
                whole.Write(room, 0, part.Count);
                if (!part.EndOfMessage) continue;
                var message = Message.Decode(Encoding.UTF8.GetString(whole.ToArray()));
                whole.SetLength(0);
                if (message != null) Messages.Enqueue(message);
            }
        }
        catch (AggregateException) { }
        Messages.Enqueue(null);
    }
}
