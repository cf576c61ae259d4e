## The receiving half of a reliable stream: puts segments in order and messages together, and says what has come.
extends RefCounted

const Limits := preload("limits.gd")
const Packet := preload("packet.gd")

## When an acknowledgement is due.
var due_at := INF
## Whether a message was longer than any may be: its end would never be known.
var is_broken := false
## The lowest number that has not come.
var _next := 0
## Packets that came before their turn, by number.
var _held := {}
var _highest := 0
## The message that is not complete.
var _message := PackedByteArray()
## Segments in order that no acknowledgement has said.
var _unsaid := 0


## Takes a segment. Adds the messages that it completes to `messages`, in order.
func hear(segment: PackedByteArray, now: float, messages: Array[PackedByteArray]) -> void:
	var number := Packet.number_of(segment)
	# No honest sender is so far ahead.
	if is_broken or number >= _next + Limits.WINDOW_SEGMENTS:
		return
	if number != _next:
		due_at = now
		if number > _next and not _held.has(number):
			_held[number] = segment
			_highest = maxi(_highest, number)
		return
	_unsaid += 1
	# What had to wait is acknowledged at once: its sender may be waiting as well.
	var is_at_once := _unsaid > 1 or not _held.is_empty()
	due_at = now if is_at_once else minf(due_at, now + Limits.ACKNOWLEDGE_MS)
	_put(segment, messages)
	while not is_broken and _held.has(_next):
		var held: PackedByteArray = _held[_next]
		_held.erase(_next)
		_put(held, messages)


## The acknowledgement that is due, or an empty array.
func take(now: float) -> PackedByteArray:
	if now < due_at:
		return PackedByteArray()
	due_at = INF
	_unsaid = 0
	return Packet.write_acknowledgement(_next, _highest, _held)


func _put(segment: PackedByteArray, messages: Array[PackedByteArray]) -> void:
	_next += 1
	if _message.size() + segment.size() - Packet.HEADER_BYTES > Limits.MESSAGE_BYTES:
		is_broken = true
		_message = PackedByteArray()
		_held.clear()
		return
	_message.append_array(segment.slice(Packet.HEADER_BYTES))
	if segment[0] != Packet.LAST:
		return
	messages.append(_message)
	_message = PackedByteArray()
