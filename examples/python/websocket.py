"""The part of WebSocket (RFC 6455) that a client of Orion Edge needs: text frames, pings, closing."""
import base64
import os
import socket
import ssl
import struct
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


class WebSocket:
    def __init__(self, url):
        """`url`: http:// or https://, with the path to connect on. Raises OSError."""
        parts = urlsplit(url)
        is_secure = parts.scheme == "https"
        port = parts.port or (443 if is_secure else 80)
        self.socket = socket.create_connection((parts.hostname, port), timeout=10)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_secure:
            context = ssl.create_default_context()
            self.socket = context.wrap_socket(self.socket, server_hostname=parts.hostname)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {parts.path or '/'} HTTP/1.1\r\nHost: {parts.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self._buffer = b""
        while b"\r\n\r\n" not in self._buffer:
            self._receive()
        head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n", 1)[0]:
            raise OSError(head.split(b"\r\n", 1)[0].decode())
        self.is_open = True

    def send(self, text):
        self._send(TEXT, text.encode())

    def messages(self):
        """The texts that have come. Call it when the socket is readable. Raises OSError when the connection is lost."""
        frames = list(self._frames())
        # The first ones may have come with the answer to the handshake.
        if not frames:
            self._receive()
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                self._receive()
            frames = list(self._frames())
        texts = []
        for kind, payload in frames:
            if kind in (TEXT, BINARY):
                texts.append(payload.decode())
            elif kind == PING:
                self._send(PONG, payload)
            elif kind == CLOSE:
                self.close()
                raise OSError("the server has closed the connection")
        return texts

    def close(self):
        if self.is_open:
            self.is_open = False
            self._send(CLOSE, struct.pack(">H", 1000))
            self.socket.close()

    def _receive(self):
        data = self.socket.recv(65536)
        if not data:
            raise OSError("the connection is lost")
        self._buffer += data

    def _frames(self):
        """Whole frames in the buffer. The server sends each message in one frame."""
        while len(self._buffer) >= 2:
            kind, length, at = self._buffer[0] & 15, self._buffer[1] & 127, 2
            if length == 126:
                length, at = int.from_bytes(self._buffer[2:4], "big"), 4
            elif length == 127:
                length, at = int.from_bytes(self._buffer[2:10], "big"), 10
            if len(self._buffer) < at + length:
                return
            payload, self._buffer = self._buffer[at : at + length], self._buffer[at + length :]
            yield kind, payload

    def _send(self, kind, payload):
        size = len(payload)
        head = bytes([0x80 | kind])
        if size < 126:
            head += bytes([0x80 | size])
        elif size < 65536:
            head += bytes([0x80 | 126]) + size.to_bytes(2, "big")
        else:
            head += bytes([0x80 | 127]) + size.to_bytes(8, "big")
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i & 3] for i, byte in enumerate(payload))
        self.socket.sendall(head + mask + masked)
