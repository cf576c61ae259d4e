extends RefCounted
## What two peers send each other, on every path: a kind, the link's id, and what the kind says. docs/links.md has the table.

const CHECK := 0xe8
const ANSWER := 0xe9
const DATA := 0xea
const FAREWELL := 0xeb
const SEALED := 0xec

const ID_BYTES := 6
## Before the game's bytes in a data packet.
const DATA_HEADER := 7
## Before the ciphertext of a sealed packet: the counter comes after the id.
const SEALED_HEADER := 13
const TAG_BYTES := 16
## Before the mac of all others, without a key.
const SIGNED_BYTES := 16
const MAC_BYTES := 16
const KEY_BYTES := 32
const SIGNED_PACKET := 32
const KEYED_PACKET := 64


## Whether a datagram may be a packet of a peer. Texts of Orion and sidecars begin with other bytes.
static func is_packet(bytes: PackedByteArray) -> bool:
	if bytes.size() < DATA_HEADER:
		return false
	match bytes[0]:
		DATA:
			return true
		SEALED:
			return bytes.size() > SEALED_HEADER + TAG_BYTES
		FAREWELL:
			return bytes.size() == SIGNED_PACKET
		CHECK, ANSWER:
			return bytes.size() == SIGNED_PACKET or bytes.size() == KEYED_PACKET
		_:
			return false


## The number that stands for the link's id, from the bytes of such a packet.
static func link_of(bytes: PackedByteArray) -> int:
	# The engine reads the lowest byte first. Only equality matters.
	return bytes.decode_u32(1) | (bytes.decode_u16(5) << 32)


## The same, from the id's 12 hex digits.
static func link_number(id: String) -> int:
	var bytes := id.hex_decode()
	if bytes.size() != ID_BYTES:
		return -1
	return bytes.decode_u32(0) | (bytes.decode_u16(4) << 32)


## A check, an answer or a farewell, before its mac. [param key]: the sender's public key, or none.
static func write_signed(kind: int, id: PackedByteArray, side: int, number: int, key: PackedByteArray) -> PackedByteArray:
	var bytes := PackedByteArray([kind])
	bytes.append_array(id)
	bytes.append(side)
	for shift in range(56, -8, -8):
		bytes.append((number >> shift) & 0xff)
	bytes.append_array(key)
	return bytes


## The side of a signed packet, 0 or 1.
static func side_of(bytes: PackedByteArray) -> int:
	return bytes[DATA_HEADER]


## Its number; -1 beyond 2^53, where nobody counts to.
static func number_of(bytes: PackedByteArray) -> int:
	if bytes[8] != 0 or bytes[9] > 0x1f:
		return -1
	var number := 0
	for i in range(8, 16):
		number = (number << 8) | bytes[i]
	return number


## The public key in it; none if it has none.
static func key_of(bytes: PackedByteArray) -> PackedByteArray:
	if bytes.size() != KEYED_PACKET:
		return PackedByteArray()
	return bytes.slice(SIGNED_BYTES, SIGNED_BYTES + KEY_BYTES)
