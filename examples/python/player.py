"""A player without graphics: hosts or joins a lobby, chats, and connects over UDP.

    python3 player.py http://localhost:5980 sealed host
    python3 player.py http://localhost:5980 sealed join K7Q2M

The second word is what it can do: `orion` (introduced, then on its own), `links` (the relay and checked
paths besides), or `sealed` (all of it encrypted). Type a line to chat, `/start` to connect everybody, or `/leave`.
It sends back each packet that a peer sends, and obeys the orders of the conformance kit (docs/writing-a-client.md).
"""
import base64
import queue
import re
import select
import socket
import sys
import threading
import time

from links import Link, Probes
from orion import Connection, Refused, encode, path_of

TICK_S = 0.02
FEATURES = {"orion": None, "links": ["links"], "sealed": ["links", "encrypted"]}


class PeerKeys:
    """What an encrypted link needs of sealing.py, once the peer's key has come."""

    def __init__(self, player, peer):
        import sealing

        self._sealing, self._keys, self._peer = sealing, player.keys, peer
        self._own_id, self._features = player.connection.client_id, player.features
        self.public = player.keys.public
        self.confirm = None
        self._peer_key = self._packets = None

    def take_key(self, key):
        """Whether this is the key that the peer has committed itself to."""
        if self._peer_key is not None:
            return key == self._peer_key
        if self._sealing.commitment_of(key) != self._peer["commitment"]:
            return False
        shared = self._keys.agree(key)
        if shared is None:
            return False
        link = self._peer["link"]
        us = (self._own_id, self._keys.commitment, self._features)
        them = (self._peer["clientId"], self._peer["commitment"], self._peer["features"])
        a, b = (us, them) if link["side"] == "a" else (them, us)
        keys = self._sealing.derive(link["id"], base64.urlsafe_b64decode(link["key"] + "=="), shared, a, b)
        self._peer_key, self.confirm = key, keys["confirm"]
        self._packets = self._sealing.Sealing(link["id"], link["side"], keys)
        print("The link's safety code is", keys["safety_code"], flush=True)
        return True

    def seal(self, kind, payload):
        return self._packets.seal(kind, payload)

    def open(self, packet):
        return self._packets.open(packet) if self._packets else None


class Player:
    def __init__(self, server, level, role, code):
        self.server, self.features = server, FEATURES[level]
        path = "/lobbies" if role == "host" else path_of(code)
        self.connection = Connection(server, path, self.features)
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("", 0))
        self.udp.setblocking(False)
        self.server_ip = socket.getaddrinfo(self.connection.host, None, socket.AF_INET)[0][4][0]
        self.sidecar_ip = self.server_ip
        self.lines = queue.Queue()
        self.mediation = self.keys = self.probes = None
        self.forget_peers()
        self.links = {}
        if role == "host":
            about = {"hostName": "Python", "lobbyName": "Python", "isPublic": False, "maxMembers": 8}
            answer = self.connection.ask("/lobbies", about)
            print("The code is", answer["lobbyId"], flush=True)
        else:
            answer = self.connection.ask(path_of(code) + "/join", {"peerName": "Python"})
        self.lobby_id = answer["lobbyId"]
        self.is_over = False

    def forget_peers(self):
        self.sight = None
        self.shown_at = 0.0
        self.has_reported = True
        self.peers, self.met, self.greeting = [], set(), None

    def run(self):
        threading.Thread(target=self.read_lines, daemon=True).start()
        web = self.connection.websocket.socket
        while not self.is_over:
            readable, _, _ = select.select([web, self.udp], [], [], TICK_S)
            if web in readable:
                for method, payload in self.connection.messages():
                    self.hear(method, payload)
            if self.udp in readable:
                self.hear_udp()
            while not self.lines.empty():
                self.obey(self.lines.get())
            self.connection.ping()
            self.tick(time.monotonic())
        for link in self.links.values():
            link.close()
        self.connection.websocket.close()

    def read_lines(self):
        for line in sys.stdin:
            self.lines.put(line.strip())

    # What people want, and the kit.

    def obey(self, line):
        if line == "/start":
            # The answer may come later than ptpMediation_send: nobody waits for it.
            threading.Thread(target=self.start, daemon=True).start()
        elif line == "/leave":
            self.is_over = True
        elif line:
            self.connection.say("lobby_messaging_send", {"lobbyId": self.lobby_id, "message": line})

    def start(self):
        try:
            self.connection.ask(path_of(self.lobby_id) + "/ptp/start", {})
        except (OSError, Refused) as problem:
            print(problem, flush=True)

    # What the server says. Other methods are ignored.

    def hear(self, method, payload):
        if method == "lobby_messaging_received":
            message = payload["message"]
            print(f"{message['senderName']}: {message['message']}", flush=True)
            order = re.match(r"kit: (\w+) ?(.*)", message["message"], re.S)
            if order:
                self.obey(order[2] if order[1] == "say" else "/" + order[1])
        elif method == "ptpMediation_send":
            self.show(payload)
        elif method == "ptpMediation_peersConnection_start":
            self.meet(payload["peers"])
        elif method == "ptpMediation_aborted":
            print(payload["abortReason"], flush=True)
            for link in self.links.values():
                link.close()
            self.links = {}
            self.forget_peers()
        elif method == "lobby_closed":
            self.sight = None
            print("The lobby is closed.", flush=True)
        elif method == "ptpRelay_renewed":
            for ticket in payload["tickets"]:
                for link in self.links.values():
                    link.renew(ticket, payload["lifeMs"])

    # Being seen.

    def show(self, sight):
        if sight.get("mediation") != self.mediation or self.sight is None:
            self.mediation, self.keys, self.probes = sight.get("mediation"), None, None
            self.has_reported = False
        self.sight = sight
        if "host" in sight:
            self.sidecar_ip = socket.getaddrinfo(sight["host"], None, socket.AF_INET)[0][4][0]
        if self.features and "encrypted" in self.features:
            if self.keys is None:
                import sealing

                self.keys = sealing.KeyPair()
            ready = {"mediation": self.mediation, "commitment": self.keys.commitment}
            self.connection.say("ptpMediation_ready", ready)
        if self.features and "pass" in sight:
            self.probes = self.probes or Probes(self.udp, self.sidecar_ip, self.connection.say)
            self.probes.ask(sight)
        else:
            self.send_datagram()

    def send_datagram(self):
        self.shown_at = time.monotonic()
        datagram = encode("ptpMediation_connect", {"token": self.connection.token})
        self.udp.sendto(datagram.encode(), (self.sidecar_ip, self.sight["port"]))

    # Being connected.

    def meet(self, peers):
        self.sight = None
        self.met = set()
        if not self.features:
            self.peers = [(peer["ip"], peer["port"]) for peer in peers]
            self.greeting = f"{time.time_ns():x}"
            return
        cookie = self.probes.cookie if self.probes else None
        for peer in peers:
            if "link" not in peer:
                self.fail("no-additions", [peer["clientId"]])
                return
            keys = PeerKeys(self, peer) if "commitment" in peer else None
            link = Link(self.udp, self.sidecar_ip, peer, cookie, self.receive, keys)
            self.links[bytes.fromhex(link.id)] = link

    def receive(self, link, packet):
        """A packet of the game: an echo is all that this player does with it."""
        link.send(packet)

    def hear_udp(self):
        try:
            while True:
                packet, sender = self.udp.recvfrom(2048)
                self.hear_packet(packet, sender)
        except (BlockingIOError, ConnectionError):
            pass

    def hear_packet(self, packet, sender):
        link = self.links.get(packet[1:7]) if packet and 0xE8 <= packet[0] <= 0xEC else None
        if link:
            link.hear(packet, sender)
        elif packet.startswith(b"ptpMediation_seen:"):
            if self.probes and sender[0] == self.sidecar_ip:
                self.probes.hear(packet, sender[1])
        elif packet.startswith(b"ptpRelay_"):
            for link in self.links.values():
                link.hear_relay(packet)
        elif sender in self.peers:
            self.hear_greeting(packet.decode(errors="replace"), sender)

    def hear_greeting(self, text, sender):
        word, _, rest = text.partition(" ")
        if word == "hello":
            self.udp.sendto(f"heard {rest}".encode(), sender)
        elif word == "heard" and rest == self.greeting:
            self.met.add(sender)
            if len(self.met) == len(self.peers) and not self.has_reported:
                self.has_reported = True
                self.connection.say("ptpMediation_peersConnection_success")

    def fail(self, cause, client_ids=()):
        if not self.has_reported:
            self.has_reported = True
            peers = [{"clientId": one, "path": None, "cause": cause} for one in client_ids]
            report = {"mediation": self.mediation, "cause": cause, "peers": peers}
            self.connection.say("ptpMediation_peersConnection_failure", report)

    def tick(self, now):
        if self.sight is not None:
            if self.probes:
                trouble = self.probes.tick(now)
                if trouble == "unseen":
                    self.connection.say("ptpMediation_unseen", {"mediation": self.mediation})
                elif trouble == "blocked":
                    self.fail("udp-blocked")
            elif now - self.shown_at > 9:
                self.send_datagram()
        if self.greeting and len(self.met) < len(self.peers) and now - self.shown_at > 0.1:
            self.shown_at = now
            for peer in self.peers:
                self.udp.sendto(f"hello {self.greeting}".encode(), peer)
        for link in self.links.values():
            link.tick(now)
            ticket = link.ticket_to_renew(now)
            if ticket:
                self.connection.say("ptpRelay_renew", {"tickets": [ticket]})
        self.report()

    def report(self):
        links = list(self.links.values())
        if self.has_reported or not links:
            return
        failed = [link.peer_id for link in links if link.has_failed]
        if failed:
            self.fail("no-packets-received", failed)
        elif all(link.kind for link in links):
            self.has_reported = True
            peers = [{"clientId": link.peer_id, "path": link.kind, "cause": None} for link in links]
            report = {"mediation": self.mediation, "peers": peers}
            self.connection.say("ptpMediation_peersConnection_success", report)


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[2] not in FEATURES or sys.argv[3] not in ("host", "join"):
        sys.exit(__doc__)
    try:
        Player(sys.argv[1].rstrip("/"), sys.argv[2], sys.argv[3], sys.argv[4] if len(sys.argv) > 4 else "").run()
    except (OSError, Refused) as problem:
        sys.exit(str(problem))
