"""Links to peers over UDP (docs/links.md): being seen by the sidecar, checks, the relay, and packets of the game."""
import base64
import hmac
import secrets
import time

from orion import decode, encode

CHECK, ANSWER, DATA, FAREWELL, SEALED = range(0xE8, 0xED)
PADDED = 300


def sign(key, method, payload):
    """A datagram for the sidecar, long enough for any answer."""
    signed = encode(method, payload)
    if len(signed) < PADDED:
        signed = encode(method, {**payload, "pad": "-" * (PADDED - len(signed))})
    return f"{signed}.{mac_text(key, signed)}".encode()


def verify(key, datagram):
    """(method, payload), or None if it is not signed with this key."""
    signed, _, mac = datagram.decode("ascii", "replace").rpartition(".")
    return decode(signed) if hmac.compare_digest(mac_text(key, signed).encode(), mac.encode()) else None


def mac_text(key, signed):
    mac = hmac.digest(key.encode(), signed.encode(), "sha256")[:16]
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def nonce():
    return secrets.token_urlsafe(12)


class Probes:
    """Shows the socket to both ports of the sidecar, until both have answered a probe with their cookie."""

    def __init__(self, udp, ip, send):
        self._udp, self._ip, self._send = udp, ip, send
        self._ports = {}
        self._pass = self._key = None
        self._is_unseen_said = True
        self._asked_at = 0.0
        self._answered_at = None
        self.cookie = None
        self._first_asked_at = time.monotonic()
        self._next_at = 0.0

    def ask(self, send):
        """The server asks, or asks again: `send` is the payload of ptpMediation_send."""
        self._pass, self._key = send["pass"], send["passKey"]
        before = self._ports
        self._ports = {port: {"nonce": nonce(), "cookie": before.get(port, {}).get("cookie"), "seen": False} for port in send["ports"]}
        self._first = send["port"]
        self._is_unseen_said = False
        self._answered_at = None
        self._asked_at = time.monotonic()
        self._next_at = 0.0

    def hear(self, datagram, port):
        state = self._ports.get(port)
        message = state and verify(self._key, datagram)
        if not message or message[0] != "ptpMediation_seen" or message[1].get("nonce") != state["nonce"]:
            return
        self._answered_at = time.monotonic()
        had_cookie = state["cookie"] is not None
        state["cookie"], state["nonce"] = message[1]["cookie"], nonce()
        if port == self._first:
            self.cookie = state["cookie"]
        if had_cookie:
            state["seen"] = True
        else:
            self._probe(port)

    def tick(self, now):
        """Repeats what was not answered. Returns "unseen" or "blocked" when it is time to say so."""
        if now >= self._next_at:
            waiting = [port for port, state in self._ports.items() if not state["seen"]]
            # All are seen: once in 10 s keeps the router's mapping open.
            self._next_at = now + (0.1 if waiting else 10)
            for port in waiting or self._ports:
                self._probe(port)
        if self._answered_at is not None or not self._ports:
            return None
        if now - self._first_asked_at > 12:
            return "blocked"
        if now - self._asked_at > 2 and not self._is_unseen_said:
            self._is_unseen_said = True
            return "unseen"
        return None

    def _probe(self, port):
        state = self._ports[port]
        probe = {"pass": self._pass, "nonce": state["nonce"], "candidates": []}
        if state["cookie"] is not None:
            probe["cookie"] = state["cookie"]
        self._udp.sendto(sign(self._key, "ptpMediation_probe", probe), (self._ip, port))


class Link:
    """Our end of the link to one peer. `received` is called with each packet of the game."""

    def __init__(self, udp, sidecar_ip, peer, cookie, received, sealing=None):
        """`sealing`: makes keys of the peer's public key, if the link is encrypted (player.py)."""
        link = peer["link"]
        self.peer_id, self.id, self.side = peer["clientId"], link["id"], link["side"]
        self._number = bytes.fromhex(self.id)
        self._key = base64.urlsafe_b64decode(link["key"] + "==")
        self._udp, self._received, self._sealing = udp, received, sealing
        self._next = 1
        self._heard = set()
        self._sent = {}
        self._known = set()
        self._alive = {}
        self._opened_at = time.monotonic()
        self.is_over = False
        self.has_failed = False
        self._endpoint = (peer["ip"], peer["port"]) if "port" in peer else None
        self._is_proven = peer.get("proven", False)
        self._checks, self._check_at = 0, 0.0
        self._relay = peer.get("relay")
        self._relay_to = (sidecar_ip, self._relay["port"]) if self._relay else None
        self._cookie, self._nonce = cookie, nonce()
        self._is_peer_bound = False
        self._bind_at, self._relay_check_at = 0.0, 0.0
        self._renew_at = self._life_from() if self._relay else None

    # What the game does.

    def send(self, payload):
        """Sends a packet of the game, up to 1 200 bytes. It is lost while there is no path."""
        path = self.path
        if path:
            if self._sealing:
                packet = self._sealing.seal(0, payload)
            else:
                packet = bytes([DATA]) + self._number + payload
            self._udp.sendto(packet, path)

    @property
    def path(self):
        """Where packets go: the direct way if it was heard of late, else the relay."""
        now = time.monotonic()
        for to in [one for one in self._alive if one != self._relay_to] + [self._relay_to]:
            if to in self._alive and now - self._alive[to] < 3:
                return to
        return None

    @property
    def kind(self):
        return None if self.path is None else "relay" if self.path == self._relay_to else "direct"

    def close(self):
        if not self.is_over:
            self.is_over = True
            farewell = self._signed(FAREWELL, self._take())
            for to in {self._endpoint, self._relay_to, *self._alive} - {None}:
                for _ in range(3):
                    self._udp.sendto(farewell, to)

    # What its owner calls.

    def tick(self, now):
        if self.is_over:
            return
        if not self._alive and now - self._opened_at > 12:
            self.has_failed = True
        self._check_directly(now)
        if self._relay and now >= self._bind_at:
            self._bind(now)
        if self._is_peer_bound and now >= self._relay_check_at:
            self._relay_check_at = now + (0.1 if self._relay_to not in self._alive else 1)
            self._check(self._relay_to)

    def ticket_to_renew(self, now):
        """The ticket, when it is time to have it renewed."""
        if self.is_over or self._renew_at is None or now < self._renew_at:
            return None
        self._renew_at = now + 20
        return {"ticket": self._relay["ticket"], "key": self._relay["key"]}

    def renew(self, ticket, life_ms):
        if ticket["ticket"].split(".")[0] == self.id:
            self._relay = {**self._relay, **ticket, "lifeMs": life_ms}
            self._renew_at = self._life_from()
            self._bind(time.monotonic())

    def hear_relay(self, datagram):
        message = verify(self._relay["key"], datagram) if self._relay else None
        if not message or message[1].get("nonce") != self._nonce:
            return
        method, payload = message
        if method == "ptpRelay_challenge":
            self._cookie = payload["cookie"]
            self._bind(time.monotonic())
        elif method == "ptpRelay_bound":
            self._is_peer_bound = payload["peer"]

    def hear(self, packet, sender):
        """A packet of this link."""
        if self.is_over:
            return
        if packet[0] in (DATA, SEALED):
            self._hear_data(packet, sender)
        else:
            self._hear_signed(packet, sender)

    def _hear_data(self, packet, sender):
        if sender not in self._known:
            return
        if not self._sealing:
            if packet[0] == DATA:
                self._received(self, packet[7:])
            return
        opened = self._sealing.open(packet) if packet[0] == SEALED else None
        if opened and opened[0] == 0:
            self._received(self, opened[1])

    def _hear_signed(self, packet, sender):
        kind, with_key = packet[0], bool(self._sealing) and packet[0] != FAREWELL
        if len(packet) != (64 if with_key else 32) or packet[7] != (1 if self.side == "a" else 0):
            return
        if with_key and not self._sealing.take_key(packet[16:48]):
            return
        key = self._sealing.confirm if with_key and kind == ANSWER else self._key
        if not hmac.compare_digest(hmac.digest(key, packet[:-16], "sha256")[:16], packet[-16:]):
            return
        number = int.from_bytes(packet[8:16], "big")
        if number >= 2**53:
            return
        if kind == ANSWER:
            if self._sent.pop(number, None) == sender:
                self._known.add(sender)
                self._alive[sender] = time.monotonic()
            return
        # The 512 highest are remembered, and what is below them is ignored.
        if number in self._heard or len(self._heard) == 512 and number < min(self._heard):
            return
        self._heard.add(number)
        if len(self._heard) > 512:
            self._heard.discard(min(self._heard))
        if kind == FAREWELL:
            self.is_over = True
        elif kind == CHECK:
            is_new = sender not in self._known
            self._known.add(sender)
            self._udp.sendto(self._signed(ANSWER, number), sender)
            if is_new:
                self._check(sender)

    def _check_directly(self, now):
        if not self._endpoint or now < self._check_at:
            return
        pause = 0.1 if self._checks < 10 else 0.2 if self._checks < 20 else 0.4
        if self._endpoint in self._alive:
            pause = 1
        elif not self._is_proven and self._checks >= 5 or now - self._opened_at > 10:
            return
        self._checks += 1
        self._check_at = now + pause
        self._check(self._endpoint)

    def _check(self, to):
        # Nobody may foretell the number of a check that a third party may get.
        is_safe = to == self._relay_to or (to == self._endpoint and self._is_proven)
        if not is_safe:
            self._next += secrets.randbelow(2**24)
        number = self._take()
        if not is_safe:
            self._next += secrets.randbelow(2**24)
        self._sent[number] = to
        if len(self._sent) > 256:
            del self._sent[min(self._sent)]
        self._udp.sendto(self._signed(CHECK, number), to)

    def _take(self):
        self._next += 1
        return self._next - 1

    def _signed(self, kind, number):
        packet = bytes([kind]) + self._number + bytes([0 if self.side == "a" else 1]) + number.to_bytes(8, "big")
        key = self._key
        if self._sealing and kind != FAREWELL:
            packet += self._sealing.public
            if kind == ANSWER:
                key = self._sealing.confirm
        return packet + hmac.digest(key, packet, "sha256")[:16]

    def _bind(self, now):
        bind = {"ticket": self._relay["ticket"], "nonce": self._nonce}
        if self._cookie:
            bind["cookie"] = self._cookie
        self._udp.sendto(sign(self._relay["key"], "ptpRelay_bind", bind), self._relay_to)
        self._bind_at = now + (10 if self._is_peer_bound else 1)

    def _life_from(self):
        life_ms = self._relay.get("lifeMs")
        return None if life_ms is None else time.monotonic() + life_ms / 1000 * 0.6
