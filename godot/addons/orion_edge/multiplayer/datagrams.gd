## Unreliable packets of the engine in packets of a link: a header, and pieces where one is too long.
##
## | bytes | |
## | --- | --- |
## | 1 | 0 unreliable, 1 unreliable ordered |
## | 1 | the sender's epoch: how often it has said hello |
## | 1 | the channel |
## | 2 | the packet's number, counted for each channel |
## | 1 | which piece (the upper four bits), and which is the last (the lower ones) |
extends RefCounted

const HEADER_BYTES := 6
const PIECE_BYTES := OrionLink.MOST_BYTES - HEADER_BYTES
## The engine's own synchronizers send up to 1 350 bytes at once. A packet is lost if any of its pieces is.
const MOST_PIECES := 4
const MOST_BYTES := MOST_PIECES * PIECE_BYTES

var own_epoch := 0
## Datagrams of another epoch are of before the last hello, or of after one that has not come yet.
var peer_epoch := -1
## The packet that [method take] has completed.
var packet := PackedByteArray()
var mode := MultiplayerPeer.TRANSFER_MODE_UNRELIABLE
var channel := 0
## Packets of the peer that came, and that did not. Halved now and then: what was long ago counts little.
var _came := 0.0
var _missed := 0.0
## By channel, the highest number that came, whatever the mode.
var _highest: Dictionary[int, int] = {}
## By channel.
var _numbers: Dictionary[int, int] = {}
## By channel, the number of the last ordered packet that came.
var _newest: Dictionary[int, int] = {}
## By channel, the packet of which pieces are missing.
var _partial: Dictionary[int, Partial] = {}


class Partial:
	var number: int
	var pieces: Array[PackedByteArray]
	var missing: int


## The datagrams that carry this packet, which has at most MOST_BYTES.
func split(is_ordered: bool, on_channel: int, bytes: PackedByteArray) -> Array[PackedByteArray]:
	var number: int = _numbers.get(on_channel, 0)
	_numbers[on_channel] = (number + 1) & 0xffff
	var last := maxi(0, (bytes.size() - 1) / PIECE_BYTES)
	var datagrams: Array[PackedByteArray] = []
	for i in last + 1:
		var datagram := PackedByteArray(
			[int(is_ordered), own_epoch & 255, on_channel, number >> 8, number & 255, i << 4 | last]
		)
		datagram.append_array(bytes if last == 0 else bytes.slice(i * PIECE_BYTES, (i + 1) * PIECE_BYTES))
		datagrams.append(datagram)
	return datagrams


## The part of 1 that was lost of what the peer has sent lately. Negative while too little has come to say so.
func loss() -> float:
	var total := _came + _missed
	return _missed / total if total >= 20 else -1.0


## Takes a datagram of the peer. True if it completes a packet.
func take(datagram: PackedByteArray) -> bool:
	if datagram.size() < HEADER_BYTES or datagram[0] > 1 or datagram[1] != peer_epoch & 255:
		return false
	var number := datagram[3] << 8 | datagram[4]
	channel = datagram[2]
	_count(number)
	mode = MultiplayerPeer.TRANSFER_MODE_UNRELIABLE
	if datagram[0] == 1:
		mode = MultiplayerPeer.TRANSFER_MODE_UNRELIABLE_ORDERED
		if _newest.has(channel) and not _is_after(number, _newest[channel]):
			return false
	var last := datagram[5] & 15
	packet = datagram.slice(HEADER_BYTES)
	if last > 0 and not _complete(number, datagram[5] >> 4, last):
		return false
	if datagram[0] == 1:
		_newest[channel] = number
	return true


## The peer has said hello again: its numbers go on, and packets of before are not completed any more.
func begin(epoch: int) -> void:
	peer_epoch = epoch
	_partial.clear()
	_highest.clear()


func _count(number: int) -> void:
	var highest: int = _highest.get(channel, (number - 1) & 0xffff)
	if number == highest:
		return
	if not _is_after(number, highest):
		# It was counted as missed.
		_missed = maxf(0, _missed - 1)
	else:
		_missed += ((number - highest) & 0xffff) - 1
		_highest[channel] = number
	_came += 1
	if _came + _missed > 1000:
		_came /= 2
		_missed /= 2


## Adds a piece, which is in [member packet]. True if that is the whole packet now.
func _complete(number: int, index: int, last: int) -> bool:
	if last >= MOST_PIECES or index > last:
		return false
	var partial: Partial = _partial.get(channel)
	if partial == null or (partial.number != number and _is_after(number, partial.number)):
		partial = Partial.new()
		partial.number = number
		partial.pieces.resize(last + 1)
		partial.missing = last + 1
		_partial[channel] = partial
	if partial.number != number or partial.pieces.size() != last + 1 or not partial.pieces[index].is_empty():
		return false
	partial.pieces[index] = packet
	partial.missing -= 1
	if partial.missing > 0:
		return false
	packet = PackedByteArray()
	for piece in partial.pieces:
		packet.append_array(piece)
	_partial.erase(channel)
	return true


func _is_after(number: int, other: int) -> bool:
	var distance := (number - other) & 0xffff
	return distance > 0 and distance < 0x8000
