// Links to peers over UDP (docs/links.md): being seen by the sidecar, checks, the relay, and packets of the game.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

/// Datagrams between a client and a sidecar: method:base64(JSON).mac
static class Signed
{
    const int padded = 300;

    /// Long enough for any answer.
    public static byte[] Write(string key, string method, Dictionary<string, object> payload)
    {
        string signed = Message.Encode(method, payload);
        if (signed.Length < padded)
        {
            payload["pad"] = new string('-', padded - signed.Length);
            signed = Message.Encode(method, payload);
            payload.Remove("pad");
        }
        return Encoding.ASCII.GetBytes(signed + "." + Mac(key, signed));
    }

    /// Null if it is not signed with this key.
    public static Message Read(string key, byte[] datagram)
    {
        string text = Encoding.ASCII.GetString(datagram);
        int dot = text.LastIndexOf('.');
        if (dot < 0 || Mac(key, text.Substring(0, dot)) != text.Substring(dot + 1)) return null;
        return Message.Decode(text.Substring(0, dot));
    }

    public static string Nonce()
    {
        return Base64Url.Text(Chance.Bytes(12));
    }

    static string Mac(string key, string text)
    {
        using (var hmac = new HMACSHA256(Encoding.UTF8.GetBytes(key)))
            return Base64Url.Text(hmac.ComputeHash(Encoding.UTF8.GetBytes(text)).Take(16).ToArray());
    }
}

static class Base64Url
{
    public static string Text(byte[] bytes)
    {
        return Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
    }

    public static byte[] Bytes(string text)
    {
        string standard = text.Replace('-', '+').Replace('_', '/');
        return Convert.FromBase64String(standard.PadRight((standard.Length + 3) / 4 * 4, '='));
    }
}

/// Numbers that nobody can foretell.
static class Chance
{
    static readonly RandomNumberGenerator source = RandomNumberGenerator.Create();

    public static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        source.GetBytes(bytes);
        return bytes;
    }

    /// Below 2^24.
    public static long Skip()
    {
        byte[] bytes = Bytes(3);
        return bytes[0] << 16 | bytes[1] << 8 | bytes[2];
    }
}

/// Shows the socket to both ports of the sidecar, until both have answered a probe with their cookie.
sealed class Probes
{
    sealed class Port
    {
        public string Nonce = Signed.Nonce(), Cookie;
        public bool IsSeen;
    }

    public string Cookie;
    readonly Socket udp;
    readonly IPAddress ip;
    readonly Stopwatch clock = Stopwatch.StartNew();
    Dictionary<int, Port> ports = new Dictionary<int, Port>();
    string pass, key;
    int first;
    bool isAnswered, isUnseenSaid;
    long askedAt, nextAt;

    public Probes(Socket udp, IPAddress ip)
    {
        this.udp = udp;
        this.ip = ip;
    }

    /// The server asks, or asks again.
    public void Ask(Dictionary<string, object> send)
    {
        pass = (string)send["pass"];
        key = (string)send["passKey"];
        first = (int)(double)send["port"];
        var before = ports;
        ports = ((List<object>)send["ports"]).Select(port => (int)(double)port)
            .ToDictionary(port => port, port => new Port { Cookie = before.ContainsKey(port) ? before[port].Cookie : null });
        isAnswered = isUnseenSaid = false;
        askedAt = clock.ElapsedMilliseconds;
        nextAt = 0;
    }

    public void Hear(byte[] datagram, int from)
    {
        Port port;
        if (!ports.TryGetValue(from, out port)) return;
        var message = Signed.Read(key, datagram);
        if (message == null || message.Method != "ptpMediation_seen" || (string)message.Payload["nonce"] != port.Nonce) return;
        isAnswered = true;
        port.IsSeen = port.Cookie != null;
        port.Cookie = (string)message.Payload["cookie"];
        port.Nonce = Signed.Nonce();
        if (from == first) Cookie = port.Cookie;
        if (!port.IsSeen) Probe(from);
    }

    /// Repeats what was not answered. "unseen" or "blocked" when it is time to say so, else null.
    public string Tick()
    {
        long now = clock.ElapsedMilliseconds;
        if (now >= nextAt)
        {
            int[] waiting = ports.Keys.Where(port => !ports[port].IsSeen).ToArray();
            // All are seen: once in 10 s keeps the router's mapping open.
            nextAt = now + (waiting.Length > 0 ? 100 : 10000);
            foreach (int port in waiting.Length > 0 ? waiting : ports.Keys.ToArray()) Probe(port);
        }
        if (isAnswered || ports.Count == 0) return null;
        if (now > 12000) return "blocked";
        if (now - askedAt <= 2000 || isUnseenSaid) return null;
        isUnseenSaid = true;
        return "unseen";
    }

    void Probe(int port)
    {
        var probe = new Dictionary<string, object> { { "pass", pass }, { "nonce", ports[port].Nonce }, { "candidates", new object[0] } };
        if (ports[port].Cookie != null) probe["cookie"] = ports[port].Cookie;
        udp.SendTo(Signed.Write(key, "ptpMediation_probe", probe), new IPEndPoint(ip, port));
    }
}

/// What an encrypted link knows of keys. Without it a link is not encrypted.
sealed class Sealing
{
    public readonly byte[] PublicKey;
    public byte[] Confirm;
    public string SafetyCode;
    const int window = 1024;
    readonly byte[] privateKey, link;
    readonly string commitment;
    readonly Func<byte[], string> derive;
    readonly bool isA;
    readonly HashSet<long> came = new HashSet<long>();
    byte[] peerKey;
    Direction outgoing, incoming;
    long counter, highest = -1;

    /// `derive`: the keys of the link for a shared secret, as LinkKeys.Derive gives them.
    public Sealing(byte[] privateKey, byte[] publicKey, string commitment, byte[] link, bool isA, Func<byte[], string> derive)
    {
        this.privateKey = privateKey;
        PublicKey = publicKey;
        this.commitment = commitment;
        this.link = link;
        this.isA = isA;
        this.derive = derive;
    }

    public static string CommitmentOf(byte[] key)
    {
        using (var sha = SHA256.Create()) return Base64Url.Text(sha.ComputeHash(key));
    }

    /// Whether this is the key that the peer has committed itself to.
    public bool TakeKey(byte[] key)
    {
        if (peerKey != null) return peerKey.SequenceEqual(key);
        if (CommitmentOf(key) != commitment) return false;
        byte[] shared = X25519.Multiply(privateKey, key);
        // Everybody has this secret with such a key.
        if (shared.All(one => one == 0)) return false;
        string[] derived = derive(shared).Split(new[] { ' ' }, 2);
        byte[][] keys = Enumerable.Range(0, 4).Select(i => Hex.Bytes(derived[0].Substring(32 * i, 32))).ToArray();
        outgoing = isA ? new Direction(keys[0], keys[1]) : new Direction(keys[2], keys[3]);
        incoming = isA ? new Direction(keys[2], keys[3]) : new Direction(keys[0], keys[1]);
        Confirm = Hex.Bytes(derived[0].Substring(128));
        SafetyCode = derived[1];
        peerKey = key;
        return true;
    }

    /// `kind`: 0 for a packet of the game.
    public byte[] Seal(byte kind, byte[] payload)
    {
        return outgoing.Seal(link, counter++, kind, payload);
    }

    /// What it is, and then the payload; null if the peer has not sealed it, or it came before.
    public byte[] Open(byte[] packet)
    {
        byte[] plain = incoming == null ? null : incoming.Open(packet);
        if (plain == null) return null;
        long number = 0;
        for (int i = 7; i < 13; i++) number = number << 8 | packet[i];
        if (number <= highest - window || !came.Add(number)) return null;
        highest = Math.Max(highest, number);
        if (came.Count > 2 * window) came.RemoveWhere(one => one <= highest - window);
        return plain;
    }
}

/// Our end of the link to one peer.
sealed class Link
{
    const byte check = 0xe8, answer = 0xe9, data = 0xea, farewell = 0xeb, sealedData = 0xec;

    public readonly string PeerId, Id;
    public bool IsOver, HasFailed;
    readonly Socket udp;
    readonly Sealing sealing;
    readonly Action<Link, byte[]> received;
    readonly byte[] number, key;
    readonly bool isA, isProven;
    readonly IPEndPoint endpoint, relayTo;
    readonly Stopwatch clock = Stopwatch.StartNew();
    readonly HashSet<long> heard = new HashSet<long>();
    readonly Dictionary<long, IPEndPoint> sent = new Dictionary<long, IPEndPoint>();
    readonly HashSet<IPEndPoint> known = new HashSet<IPEndPoint>();
    /// When an answer came from there last: it is a path.
    readonly Dictionary<IPEndPoint, long> alive = new Dictionary<IPEndPoint, long>();
    readonly string nonce = Signed.Nonce();
    string ticket, ticketKey, cookie;
    bool isPeerBound;
    int checks;
    long next = 1, checkAt, relayCheckAt, bindAt, renewAt = long.MaxValue;

    public Link(Socket udp, IPAddress sidecar, Dictionary<string, object> peer, string cookie, Action<Link, byte[]> received, Sealing sealing)
    {
        this.udp = udp;
        this.received = received;
        this.sealing = sealing;
        this.cookie = cookie;
        var link = (Dictionary<string, object>)peer["link"];
        PeerId = (string)peer["clientId"];
        Id = (string)link["id"];
        number = Hex.Bytes(Id);
        key = Base64Url.Bytes((string)link["key"]);
        isA = (string)link["side"] == "a";
        isProven = peer.ContainsKey("proven") && (bool)peer["proven"];
        if (peer.ContainsKey("port"))
            endpoint = new IPEndPoint(IPAddress.Parse((string)peer["ip"]), (int)(double)peer["port"]);
        if (!peer.ContainsKey("relay")) return;
        var relay = (Dictionary<string, object>)peer["relay"];
        relayTo = new IPEndPoint(sidecar, (int)(double)relay["port"]);
        TakeTicket(relay, relay.ContainsKey("lifeMs") ? (double)relay["lifeMs"] : double.PositiveInfinity);
    }

    /// Where packets go: the direct way if it was heard of late, else the relay.
    IPEndPoint Path
    {
        get
        {
            long now = clock.ElapsedMilliseconds;
            var paths = alive.Where(one => now - one.Value < 3000).Select(one => one.Key).ToArray();
            return paths.FirstOrDefault(one => !one.Equals(relayTo)) ?? paths.FirstOrDefault();
        }
    }

    /// "direct" or "relay"; null without a path.
    public string Kind
    {
        get
        {
            var path = Path;
            return path == null ? null : path.Equals(relayTo) ? "relay" : "direct";
        }
    }

    /// Sends a packet of the game, up to 1 200 bytes. It is lost while there is no path.
    public void Send(byte[] payload)
    {
        var path = Path;
        if (path == null || IsOver) return;
        udp.SendTo(sealing == null ? new[] { data }.Concat(number).Concat(payload).ToArray() : sealing.Seal(0, payload), path);
    }

    public void Close()
    {
        if (IsOver) return;
        IsOver = true;
        byte[] packet = SignedPacket(farewell, next++);
        foreach (var to in alive.Keys.Concat(new[] { endpoint, relayTo }).Where(one => one != null).Distinct())
            for (int i = 0; i < 3; i++) udp.SendTo(packet, to);
    }

    public void Tick()
    {
        if (IsOver) return;
        long now = clock.ElapsedMilliseconds;
        if (alive.Count == 0 && now > 12000) HasFailed = true;
        CheckDirectly(now);
        if (relayTo == null) return;
        if (now >= bindAt) Bind();
        if (isPeerBound && now >= relayCheckAt)
        {
            relayCheckAt = now + (alive.ContainsKey(relayTo) ? 1000 : 100);
            Check(relayTo);
        }
    }

    /// The ticket, when it is time to have it renewed; else null.
    public Dictionary<string, object> TicketToRenew()
    {
        if (IsOver || clock.ElapsedMilliseconds < renewAt) return null;
        renewAt = clock.ElapsedMilliseconds + 20000;
        return new Dictionary<string, object> { { "ticket", ticket }, { "key", ticketKey } };
    }

    public void Renew(Dictionary<string, object> renewed, double lifeMs)
    {
        if (((string)renewed["ticket"]).Split('.')[0] != Id) return;
        TakeTicket(renewed, lifeMs);
        Bind();
    }

    public void HearRelay(byte[] datagram)
    {
        var message = ticketKey == null ? null : Signed.Read(ticketKey, datagram);
        if (message == null || !message.Payload.ContainsKey("nonce") || (string)message.Payload["nonce"] != nonce) return;
        if (message.Method == "ptpRelay_bound") isPeerBound = (bool)message.Payload["peer"];
        if (message.Method != "ptpRelay_challenge") return;
        cookie = (string)message.Payload["cookie"];
        Bind();
    }

    /// A packet of this link.
    public void Hear(byte[] packet, IPEndPoint from)
    {
        if (IsOver) return;
        if (packet[0] == data || packet[0] == sealedData) HearData(packet, from);
        else HearSigned(packet, from);
    }

    void HearData(byte[] packet, IPEndPoint from)
    {
        if (!known.Contains(from)) return;
        if (sealing == null)
        {
            if (packet[0] == data) received(this, packet.Skip(7).ToArray());
            return;
        }
        byte[] plain = packet[0] == sealedData ? sealing.Open(packet) : null;
        if (plain != null && plain[0] == 0) received(this, plain.Skip(1).ToArray());
    }

    void HearSigned(byte[] packet, IPEndPoint from)
    {
        byte kind = packet[0];
        bool hasKey = sealing != null && kind != farewell;
        if (packet.Length != (hasKey ? 64 : 32) || packet[7] != (isA ? 1 : 0)) return;
        if (hasKey && !sealing.TakeKey(packet.Skip(16).Take(32).ToArray())) return;
        byte[] mac = Mac(hasKey && kind == answer ? sealing.Confirm : key, packet, packet.Length - 16);
        int difference = 0;
        for (int i = 0; i < 16; i++) difference |= mac[i] ^ packet[packet.Length - 16 + i];
        if (difference != 0 || packet[8] != 0 || packet[9] > 0x1f) return;
        long value = 0;
        for (int i = 8; i < 16; i++) value = value << 8 | packet[i];
        if (kind == answer)
        {
            IPEndPoint to;
            if (!sent.TryGetValue(value, out to) || !to.Equals(from)) return;
            sent.Remove(value);
            known.Add(from);
            alive[from] = clock.ElapsedMilliseconds;
            return;
        }
        // The 512 highest are remembered, and what is below them is ignored.
        if (heard.Count >= 512 && value < heard.Min() || !heard.Add(value)) return;
        if (heard.Count > 512) heard.Remove(heard.Min());
        if (kind == farewell) IsOver = true;
        if (kind != check) return;
        bool isNew = known.Add(from);
        udp.SendTo(SignedPacket(answer, value), from);
        if (isNew) Check(from);
    }

    void CheckDirectly(long now)
    {
        if (endpoint == null || now < checkAt) return;
        bool isAlive = alive.ContainsKey(endpoint);
        if (!isAlive && (now > 10000 || (!isProven && checks >= 5))) return;
        checkAt = now + (isAlive ? 1000 : checks < 10 ? 100 : checks < 20 ? 200 : 400);
        checks++;
        Check(endpoint);
    }

    void Check(IPEndPoint to)
    {
        // Nobody may foretell the number of a check that a third party may get.
        bool isSafe = to.Equals(relayTo) || (to.Equals(endpoint) && isProven);
        if (!isSafe) next += Chance.Skip();
        long value = next++;
        if (!isSafe) next += Chance.Skip();
        sent[value] = to;
        if (sent.Count > 256) sent.Remove(sent.Keys.Min());
        udp.SendTo(SignedPacket(check, value), to);
    }

    byte[] SignedPacket(byte kind, long value)
    {
        var packet = new List<byte> { kind };
        packet.AddRange(number);
        packet.Add((byte)(isA ? 0 : 1));
        for (int i = 7; i >= 0; i--) packet.Add((byte)(value >> 8 * i));
        bool hasKey = sealing != null && kind != farewell;
        if (hasKey) packet.AddRange(sealing.PublicKey);
        packet.AddRange(Mac(hasKey && kind == answer ? sealing.Confirm : key, packet.ToArray(), packet.Count));
        return packet.ToArray();
    }

    static byte[] Mac(byte[] key, byte[] bytes, int length)
    {
        using (var hmac = new HMACSHA256(key)) return hmac.ComputeHash(bytes, 0, length).Take(16).ToArray();
    }

    void TakeTicket(Dictionary<string, object> given, double lifeMs)
    {
        ticket = (string)given["ticket"];
        ticketKey = (string)given["key"];
        if (!double.IsInfinity(lifeMs)) renewAt = clock.ElapsedMilliseconds + (long)(0.6 * lifeMs);
    }

    void Bind()
    {
        bindAt = clock.ElapsedMilliseconds + (isPeerBound ? 9500 : 1000);
        var bind = new Dictionary<string, object> { { "ticket", ticket }, { "nonce", nonce } };
        if (cookie != null) bind["cookie"] = cookie;
        udp.SendTo(Signed.Write(ticketKey, "ptpRelay_bind", bind), relayTo);
    }
}
