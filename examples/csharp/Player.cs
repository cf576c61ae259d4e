// A player without graphics: hosts or joins a lobby, chats, and connects over UDP.
//
//     mono player.exe http://localhost:5980 sealed host
//     mono player.exe http://localhost:5980 sealed join K7Q2M
//
// The second word is what it can do: `orion` (introduced, then on its own), `links` (the relay and checked paths besides), or `sealed` (all of it
// encrypted). Type a line to chat, /start to connect everybody, or /leave. It sends back each packet that a peer sends, and obeys the orders of the
// conformance kit (docs/writing-a-client.md).
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading;
using Fields = System.Collections.Generic.Dictionary<string, object>;

sealed class Player
{
    static readonly Dictionary<string, string[]> levels = new Dictionary<string, string[]>
    {
        { "orion", null }, { "links", new[] { "links" } }, { "sealed", new[] { "links", "encrypted" } },
    };

    readonly Connection connection;
    readonly string[] features;
    readonly string lobbyId;
    readonly Socket udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    readonly ConcurrentQueue<string> lines = new ConcurrentQueue<string>();
    readonly Stopwatch clock = Stopwatch.StartNew();
    IPAddress sidecar;
    /// The last ptpMediation_send, as long as the server wants to see us.
    Fields sight;
    string mediation;
    byte[] privateKey, publicKey;
    Probes probes;
    List<Link> links = new List<Link>();
    /// Peers of plain Orion, and whether each has heard us.
    Dictionary<IPEndPoint, bool> peers = new Dictionary<IPEndPoint, bool>();
    string greeting;
    bool hasReported = true, isOver;
    long shownAt, greetedAt;

    static int Main(string[] words)
    {
        if (words.Length < 3 || !levels.ContainsKey(words[1]) || (words[2] != "host" && words.Length < 4))
        {
            Console.Error.WriteLine("Usage: player.exe <url> orion|links|sealed host, or join <code>");
            return 2;
        }
        try
        {
            new Player(words[0].TrimEnd('/'), words[1], words[2], words.Length > 3 ? words[3] : null).Run();
            return 0;
        }
        catch (Refused refused)
        {
            Console.Error.WriteLine(refused.Message);
            return 1;
        }
    }

    Player(string server, string level, string role, string code)
    {
        features = levels[level];
        string path = role == "host" ? "/lobbies" : "/lobbies/" + Uri.EscapeDataString(code);
        connection = new Connection(server, path, features);
        udp.Bind(new IPEndPoint(IPAddress.Any, 0));
        sidecar = AddressOf(new Uri(server).Host);
        var answer = role == "host"
            ? connection.Ask("/lobbies", new Fields { { "hostName", "CSharp" }, { "lobbyName", "CSharp" }, { "isPublic", false }, { "maxMembers", 8 } })
            : connection.Ask(path + "/join", new Fields { { "peerName", "CSharp" } });
        lobbyId = (string)answer["lobbyId"];
        Console.WriteLine("The lobby is " + lobbyId);
    }

    void Run()
    {
        new Thread(ReadLines) { IsBackground = true }.Start();
        while (!isOver)
        {
            if (udp.Poll(20000, SelectMode.SelectRead)) HearUdp();
            Message message;
            while (connection.Messages.TryDequeue(out message))
            {
                if (message == null) isOver = true;
                else Hear(message.Method, message.Payload);
            }
            string line;
            while (lines.TryDequeue(out line)) Obey(line);
            if (!isOver) Tick();
        }
        foreach (var link in links) link.Close();
        connection.Close();
    }

    void ReadLines()
    {
        for (string line = Console.ReadLine(); line != null; line = Console.ReadLine()) lines.Enqueue(line.Trim());
    }

    static IPAddress AddressOf(string host)
    {
        return Dns.GetHostAddresses(host).First(one => one.AddressFamily == AddressFamily.InterNetwork);
    }

    // What people want, and the kit.

    void Obey(string line)
    {
        if (line == "/leave") isOver = true;
        // The answer may come later than ptpMediation_send: nobody waits for it.
        else if (line == "/start") new Thread(Start) { IsBackground = true }.Start();
        else if (line != "") connection.Say("lobby_messaging_send", new Fields { { "lobbyId", lobbyId }, { "message", line } });
    }

    void Start()
    {
        try
        {
            connection.Ask("/lobbies/" + lobbyId + "/ptp/start", new Fields());
        }
        catch (Exception problem)
        {
            Console.WriteLine(problem.Message);
        }
    }

    // What the server says. Other methods are ignored.

    void Hear(string method, Fields payload)
    {
        switch (method)
        {
            case "lobby_messaging_received":
                var said = (Fields)payload["message"];
                Console.WriteLine(said["senderName"] + ": " + said["message"]);
                var order = Regex.Match((string)said["message"], "^kit: (\\w+) ?(.*)$", RegexOptions.Singleline);
                if (order.Success) Obey(order.Groups[1].Value == "say" ? order.Groups[2].Value : "/" + order.Groups[1].Value);
                break;
            case "ptpMediation_send":
                Show(payload);
                break;
            case "ptpMediation_peersConnection_start":
                Meet(((List<object>)payload["peers"]).Cast<Fields>());
                break;
            case "ptpMediation_aborted":
                Console.WriteLine(payload["abortReason"]);
                foreach (var link in links) link.Close();
                links = new List<Link>();
                peers = new Dictionary<IPEndPoint, bool>();
                sight = null;
                break;
            case "lobby_closed":
                Console.WriteLine("The lobby is closed.");
                sight = null;
                break;
            case "ptpRelay_renewed":
                foreach (Fields ticket in (List<object>)payload["tickets"])
                    foreach (var link in links) link.Renew(ticket, (double)payload["lifeMs"]);
                break;
        }
    }

    // Being seen.

    void Show(Fields asked)
    {
        string named = asked.ContainsKey("mediation") ? (string)asked["mediation"] : null;
        if (named != mediation || sight == null)
        {
            mediation = named;
            probes = null;
            hasReported = false;
            privateKey = Chance.Bytes(32);
            publicKey = X25519.Multiply(privateKey, X25519.Base);
        }
        sight = asked;
        if (asked.ContainsKey("host")) sidecar = AddressOf((string)asked["host"]);
        if (features != null && features.Contains("encrypted"))
            Say("ptpMediation_ready", new Fields { { "commitment", Sealing.CommitmentOf(publicKey) } });
        if (features == null || !asked.ContainsKey("pass"))
        {
            SendDatagram();
            return;
        }
        probes = probes ?? new Probes(udp, sidecar);
        probes.Ask(asked);
    }

    /// A message about the mediation.
    void Say(string method, Fields payload)
    {
        payload["mediation"] = mediation;
        connection.Say(method, payload);
    }

    void SendDatagram()
    {
        shownAt = clock.ElapsedMilliseconds;
        string datagram = Message.Encode("ptpMediation_connect", new Fields { { "token", connection.Token } });
        udp.SendTo(Encoding.ASCII.GetBytes(datagram), new IPEndPoint(sidecar, (int)(double)sight["port"]));
    }

    // Being connected.

    void Meet(IEnumerable<Fields> introduced)
    {
        sight = null;
        if (features == null)
        {
            greeting = Signed.Nonce();
            peers = introduced.ToDictionary(peer => new IPEndPoint(IPAddress.Parse((string)peer["ip"]), (int)(double)peer["port"]), peer => false);
            return;
        }
        foreach (var peer in introduced)
        {
            if (!peer.ContainsKey("link"))
            {
                Fail("no-additions", new[] { (string)peer["clientId"] });
                return;
            }
            string cookie = probes == null ? null : probes.Cookie;
            links.Add(new Link(udp, sidecar, peer, cookie, (link, packet) => link.Send(packet), SealingFor(peer)));
        }
    }

    /// Null if the peer does not encrypt.
    Sealing SealingFor(Fields peer)
    {
        if (!peer.ContainsKey("commitment")) return null;
        var link = (Fields)peer["link"];
        string id = (string)link["id"];
        bool isA = (string)link["side"] == "a";
        string[] us = { connection.ClientId, Sealing.CommitmentOf(publicKey), string.Join(",", features) };
        string[] them = { (string)peer["clientId"], (string)peer["commitment"], string.Join(",", (List<object>)peer["features"]) };
        byte[] key = Base64Url.Bytes((string)link["key"]);
        return new Sealing(privateKey, publicKey, them[1], Hex.Bytes(id), isA,
            shared => LinkKeys.Derive(id, key, shared, isA ? us : them, isA ? them : us));
    }

    void HearUdp()
    {
        var room = new byte[2048];
        while (udp.Available > 0)
        {
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            int length;
            try
            {
                length = udp.ReceiveFrom(room, ref from);
            }
            catch (SocketException)
            {
                // Nobody listens where a packet of ours went.
                continue;
            }
            HearPacket(room.Take(length).ToArray(), (IPEndPoint)from);
        }
    }

    void HearPacket(byte[] packet, IPEndPoint from)
    {
        if (packet.Length > 7 && packet[0] >= 0xe8 && packet[0] <= 0xec)
        {
            string id = Hex.Text(packet.Skip(1).Take(6).ToArray());
            var link = links.FirstOrDefault(one => one.Id == id);
            if (link != null) link.Hear(packet, from);
            return;
        }
        string text = Encoding.UTF8.GetString(packet);
        if (text.StartsWith("ptpMediation_seen:"))
        {
            if (probes != null && from.Address.Equals(sidecar)) probes.Hear(packet, from.Port);
        }
        else if (text.StartsWith("ptpRelay_")) foreach (var link in links) link.HearRelay(packet);
        else if (peers.ContainsKey(from)) HearGreeting(text, from);
    }

    void HearGreeting(string text, IPEndPoint from)
    {
        if (text.StartsWith("hello ")) udp.SendTo(Encoding.UTF8.GetBytes("heard " + text.Substring(6)), from);
        if (text != "heard " + greeting) return;
        peers[from] = true;
        if (peers.Values.All(isMet => isMet)) Succeed(new Fields[0]);
    }

    void Succeed(IEnumerable<Fields> about)
    {
        if (hasReported) return;
        hasReported = true;
        Say("ptpMediation_peersConnection_success", new Fields { { "peers", about } });
    }

    void Fail(string cause, IEnumerable<string> clientIds)
    {
        if (hasReported) return;
        hasReported = true;
        var about = clientIds.Select(id => new Fields { { "clientId", id }, { "path", null }, { "cause", cause } }).ToArray();
        Say("ptpMediation_peersConnection_failure", new Fields { { "cause", cause }, { "peers", about } });
    }

    void Tick()
    {
        long now = clock.ElapsedMilliseconds;
        connection.Ping();
        if (sight != null && probes != null)
        {
            string trouble = probes.Tick();
            if (trouble == "unseen") Say("ptpMediation_unseen", new Fields());
            if (trouble == "blocked") Fail("udp-blocked", new string[0]);
        }
        else if (sight != null && now - shownAt > 9000) SendDatagram();
        if (peers.Values.Contains(false) && now - greetedAt >= 100)
        {
            greetedAt = now;
            foreach (var peer in peers.Keys) udp.SendTo(Encoding.UTF8.GetBytes("hello " + greeting), peer);
        }
        foreach (var link in links)
        {
            link.Tick();
            var ticket = link.TicketToRenew();
            if (ticket != null) connection.Say("ptpRelay_renew", new Fields { { "tickets", new[] { ticket } } });
        }
        if (hasReported || links.Count == 0) return;
        if (links.Any(link => link.HasFailed)) Fail("no-packets-received", links.Where(link => link.HasFailed).Select(link => link.PeerId));
        else if (links.All(link => link.Kind != null))
            Succeed(links.Select(link => new Fields { { "clientId", link.PeerId }, { "path", link.Kind }, { "cause", null } }).ToArray());
    }
}
