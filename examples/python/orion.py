"""A client's connection to the server: HTTP, the WebSocket, and the messages (docs/protocol.md)."""
import base64
import json
import time
import urllib.error
import urllib.parse
import urllib.request

from websocket import WebSocket


class Refused(Exception):
    """The server said no. Show the sentences to the player, decide by the codes."""

    def __init__(self, answer):
        super().__init__(" ".join(answer.get("errors", ["The server cannot be understood."])))
        self.codes = answer.get("codes", [])


def encode(method, payload):
    return f"{method}:{base64.b64encode(json.dumps(payload).encode()).decode()}"


def decode(text):
    """(method, payload), or None for anything else."""
    method, colon, payload = text.partition(":")
    try:
        fields = json.loads(base64.b64decode(payload)) if colon else None
        return (method, fields) if isinstance(fields, dict) else None
    except ValueError:
        return None


class Connection:
    def __init__(self, server, path, features):
        """`features`: what the client can do; None for a client that knows Orion alone."""
        self.server = server
        self.host = urllib.parse.urlsplit(server).hostname
        self.websocket = WebSocket(server + path)
        self._early = []
        while not self._early:
            self._early = list(self._read())
        _, registered = self._early.pop(0)
        self.token = registered["token"]
        self.client_id = registered.get("clientId", "")
        self._secret_token = registered.get("secretToken", self.token)
        self._ping_s = registered["pingMs"] / 1000 if "pingMs" in registered else None
        self._pinged_at = time.monotonic()
        if features is not None:
            self.say("client_features", {"features": features})
        if self._ping_s is not None:
            self.say("client_pings")

    def say(self, method, payload=None):
        self.websocket.send(encode(method, {"token": self.token, **(payload or {})}))

    def messages(self):
        """What has come. Call it when the socket is readable. Raises OSError when the connection is lost."""
        return self._early_ones() + list(self._read())

    def ping(self):
        """Call it often: it pings when it is time."""
        if self._ping_s is not None and time.monotonic() - self._pinged_at >= self._ping_s:
            self._pinged_at = time.monotonic()
            self.websocket.send("ping")

    def ask(self, path, body):
        """The answer to a POST. Waits as the server says when it was asked too often. Raises Refused or OSError."""
        data = json.dumps({"token": self._secret_token, **body}).encode()
        for _ in range(3):
            try:
                with urllib.request.urlopen(urllib.request.Request(self.server + path, data), timeout=30) as answer:
                    return json.loads(answer.read() or "{}")
            except urllib.error.HTTPError as refusal:
                answer = refusal.read()
                if refusal.code != 429:
                    raise Refused(json.loads(answer)) from None
                time.sleep(float(refusal.headers.get("Retry-After", 1)))
        raise Refused(json.loads(answer))

    def _early_ones(self):
        early, self._early = self._early, []
        return early

    def _read(self):
        for text in self.websocket.messages():
            message = decode(text)
            if message:
                yield message


def path_of(code):
    """The path of a lobby, by its code as a player types it."""
    return "/lobbies/" + urllib.parse.quote(code, safe="")
