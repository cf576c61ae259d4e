extends RefCounted
## What one end of a link seals and opens packets with (docs/links.md): encrypted and authenticated, the same on every path.

const Cipher := preload("cipher.gd")
const CounterWindow := preload("counter_window.gd")
const LinkKeys := preload("link_keys.gd")
const Packet := preload("../wire/peer_packet.gd")

const GAME := 0
const RELIABLE := 1
const CONTROL := 2
## Bytes that are encrypted at most: one for the kind, and a packet of the game.
const PLAIN_BYTES := 1201
const LAST_COUNTER := 0xffff_ffff_ffff

## Packets that were dropped: those that nobody who knows the keys has made, and those that had come before.
var forged := 0
var replayed := 0
## What the packet was for that was opened last, and what it carried.
var opened_kind := GAME
var opened := PackedByteArray()

var _out: Cipher
var _in: Cipher
var _window := CounterWindow.new()
var _header := PackedByteArray([Packet.SEALED])
var _counter := 0


## [param side]: this end's.
func _init(id: PackedByteArray, side: int, keys: LinkKeys) -> void:
	_header.append_array(id)
	_header.resize(Packet.SEALED_HEADER)
	_out = Cipher.new(keys.ciphers[side], keys.macs[side])
	_in = Cipher.new(keys.ciphers[1 - side], keys.macs[1 - side])


## The packet for up to 1 200 bytes. None when the counter is used up: the link is over.
func seal(kind: int, payload: PackedByteArray) -> PackedByteArray:
	if _counter > LAST_COUNTER:
		return PackedByteArray()
	var plain := PackedByteArray([kind])
	plain.append_array(payload)
	var packet := _header.duplicate()
	packet.append_array(_out.apply(_counter, plain))
	packet.append_array(_out.mac_of(packet.duplicate()))
	_count_up()
	return packet


## Opens a packet: true if it is genuine and new. Then [member opened_kind] and [member opened] have what it says.
func open(packet: PackedByteArray) -> bool:
	var end := packet.size() - Packet.TAG_BYTES
	if end <= Packet.SEALED_HEADER or end > Packet.SEALED_HEADER + PLAIN_BYTES:
		forged += 1
		return false
	if _in.mac_of(packet.slice(0, end)) != packet.slice(end):
		forged += 1
		return false
	var counter := 0
	for i in range(Packet.DATA_HEADER, Packet.SEALED_HEADER):
		counter = (counter << 8) | packet[i]
	if not _window.is_new(counter):
		replayed += 1
		return false
	var plain := _in.apply(counter, packet.slice(Packet.SEALED_HEADER, end))
	_window.take(counter)
	# Of a later version: it is genuine, and says nothing to us.
	if plain[0] > CONTROL:
		return false
	opened_kind = plain[0]
	opened = plain.slice(1)
	return true


## In the header, too, the highest byte first.
func _count_up() -> void:
	_counter += 1
	var at := Packet.SEALED_HEADER - 1
	_header[at] = _counter & 0xff
	while _header[at] == 0 and at > Packet.DATA_HEADER:
		at -= 1
		_header[at] = (_header[at] + 1) & 0xff
