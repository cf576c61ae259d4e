extends RefCounted
## How the packets of one link are written, proved and read. This one: for a peer whose client does not encrypt. Checks are signed with the pair's key, packets
## of the game are as the game gives them.

const LinkKeys := preload("../sealing/link_keys.gd")
const Packet := preload("../wire/peer_packet.gd")
const Sealing := preload("../sealing/sealing.gd")

## What [method read_signed] says besides numbers.
const WRONG := -1
## It cannot be told yet: try again when [method is_busy] says no.
const LATER := -2

var is_encrypted := false
## The digits that both ends have, as soon as they know each other's keys.
var safety_code := ""
## What keeps the two ends from being connected, if packets have shown it.
var cause := ""
## Packets that nobody who knows the keys has sent.
var forged := 0
## What [method read_data] has read: for the game, its reliable stream or the addon itself, as in sealing.gd.
var opened_kind := Sealing.GAME
var opened := PackedByteArray()

var _id: PackedByteArray
var _side: int
var _pair_key: PackedByteArray


func _init(id: String, side: int, pair_key: PackedByteArray) -> void:
	_id = id.hex_decode()
	_side = side
	_pair_key = pair_key


func replayed() -> int:
	return 0


## Whether keys are being computed.
func is_busy() -> bool:
	return false


## A check, an answer or a farewell of ours.
func signed(kind: int, number: int) -> PackedByteArray:
	return _signed_by(_pair_key, Packet.write_signed(kind, _id, _side, number, PackedByteArray()))


## The number of the peer's check, answer or farewell; WRONG for what the peer has not signed, or what is our own.
func read_signed(bytes: PackedByteArray) -> int:
	if Packet.side_of(bytes) == 1 - _side and _is_signed_by(_pair_key, bytes):
		return Packet.number_of(bytes)
	forged += 1
	return WRONG


## A packet for the peer. None if it cannot be sent.
func data(kind: int, payload: PackedByteArray) -> PackedByteArray:
	if kind != Sealing.GAME:
		return PackedByteArray()
	var packet := PackedByteArray([Packet.DATA])
	packet.append_array(_id)
	packet.append_array(payload)
	return packet


## Reads what is for us; false for what is not as the peer's [method data] makes it.
func read_data(bytes: PackedByteArray) -> bool:
	if bytes[0] != Packet.DATA or bytes.size() > Packet.DATA_HEADER + OrionLink.MOST_BYTES:
		return false
	opened = bytes.slice(Packet.DATA_HEADER)
	return true


static func _signed_by(key: PackedByteArray, bytes: PackedByteArray) -> PackedByteArray:
	bytes.append_array(LinkKeys.hmac(key, bytes).slice(0, Packet.MAC_BYTES))
	return bytes


static func _is_signed_by(key: PackedByteArray, bytes: PackedByteArray) -> bool:
	var end := bytes.size() - Packet.MAC_BYTES
	return LinkKeys.hmac(key, bytes.slice(0, end)).slice(0, Packet.MAC_BYTES) == bytes.slice(end)
