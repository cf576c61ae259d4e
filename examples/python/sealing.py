"""Encrypted links (docs/links.md#encrypted-links): keys, and packets that only the two ends can read.

Needs the package `cryptography` (Debian: python3-cryptography) for X25519 and AES.
"""
import base64
import hashlib
import hmac

from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

FEATURES = ["links", "pings", "ws-relay", "webrtc", "encrypted"]
WINDOW = 1024


class KeyPair:
    """Draw a new one for each mediation."""

    def __init__(self):
        self._private = X25519PrivateKey.generate()
        self.public = self._private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.commitment = commitment_of(self.public)

    def agree(self, peer):
        """The secret shared with the owner of that key; None for a key that gives everybody the same one."""
        try:
            return self._private.exchange(X25519PublicKey.from_public_bytes(peer))
        except ValueError:
            return None


def commitment_of(public_key):
    return base64.urlsafe_b64encode(hashlib.sha256(public_key).digest()).rstrip(b"=").decode()


def derive(link_id, link_key, shared, a, b):
    """The keys of a link. `a` and `b` are its ends: (client id, commitment, features)."""
    parts = ["orion-edge link 1", link_id]
    for client_id, commitment, features in (a, b):
        parts += [client_id, commitment, ",".join(name for name in FEATURES if name in features)]
    info = "\n".join(parts + ["open"]).encode()
    prk = hmac.digest(link_key, shared, "sha256")
    keys, block, count = b"", b"", 1
    while len(keys) < 104:
        block = hmac.digest(prk, block + info + bytes([count]), "sha256")
        keys, count = keys + block, count + 1
    number = int.from_bytes(keys[96:104], "big") % 100_000_000
    return {
        "a": (keys[0:16], keys[16:32]),
        "b": (keys[32:48], keys[48:64]),
        "confirm": keys[64:96],
        "safety_code": f"{number // 10_000:04} {number % 10_000:04}",
    }


class Sealing:
    """Seals what this end sends, and opens what the other end has sealed."""

    def __init__(self, link_id, side, keys):
        self._link = bytes.fromhex(link_id)
        self._out = keys[side]
        self._in = keys["b" if side == "a" else "a"]
        self._counter = 0
        self._highest = -1
        self._came = set()

    def seal(self, kind, payload):
        """`kind`: 0 for a packet of the game, 1 for the reliable stream."""
        counter, self._counter = self._counter, self._counter + 1
        head = b"\xec" + self._link + counter.to_bytes(6, "big")
        packet = head + crypt(self._out[0], counter, bytes([kind]) + payload)
        return packet + tag(self._out[1], packet)

    def open(self, packet):
        """(kind, payload), or None if the other end has not sealed this, or it came before."""
        if len(packet) < 30 or not hmac.compare_digest(tag(self._in[1], packet[:-16]), packet[-16:]):
            return None
        counter = int.from_bytes(packet[7:13], "big")
        if counter in self._came or counter <= self._highest - WINDOW:
            return None
        self._came.add(counter)
        if counter > self._highest:
            self._highest = counter
            self._came = {one for one in self._came if one > counter - WINDOW}
        plain = crypt(self._in[0], counter, packet[13:-16])
        return plain[0], plain[1:]


def crypt(key, counter, data):
    start = counter.to_bytes(8, "big") + bytes(8)
    return Cipher(algorithms.AES(key), modes.CTR(start)).encryptor().update(data)


def tag(key, data):
    mac = cmac.CMAC(algorithms.AES(key))
    mac.update(data)
    return mac.finalize()
