## The sending half of a reliable stream: cuts messages into segments, sends what the window and the path's rate allow,
## and sends again what was lost.
##
## A segment is lost when one that was sent clearly later has come (RFC 8985), or when nothing was heard for a timeout.
## The window grows by what has come, and a loss halves it, once for each round trip (RFC 5681).
extends RefCounted

const Limits := preload("limits.gd")
const Packet := preload("packet.gd")
const Timing := preload("timing.gd")

enum State { FLYING, LOST, COME }


class Sent:
	var number: int
	var is_last: bool
	var bytes: PackedByteArray
	var state := State.FLYING
	## When it was last sent.
	var sent_at: float
	## How often.
	var sends := 1


## Bytes of messages that have not come, as far as is known, and of what keeping them takes.
var waiting := 0
## Those that were sent, and of which not all before have come, in order.
var _segments: Array[Sent] = []
## Messages that are not all sent; `_at` is the first of them, and `_taken` its bytes that were sent.
var _messages: Array[PackedByteArray] = []
var _at := 0
var _taken := 0
## The number of the first segment that is not sent.
var _next_number := 0
var _flying := 0
var _lost := 0
var _timing := Timing.new()
var _window := float(Limits.FIRST_WINDOW)
## Below this the window grows fast.
var _threshold := INF
## A loss of a number below this does not halve the window again: it is the same loss.
var _recovery := 0
var _is_held_back := false
var _timeout_at := INF
var _bytes_per_second := INF
## Bytes that the path takes at once, as of `_room_at`.
var _room := float(Limits.BURST_BYTES)
var _room_at: float


func _init(now: float) -> void:
	_room_at = now


func push(message: PackedByteArray) -> void:
	_messages.append(message)
	var count := maxi(1, ceili(float(message.size()) / Limits.SEGMENT_BYTES))
	waiting += message.size() + Limits.SEGMENT_COST_BYTES * count


## Adds the packets to send now to `packets`.
func take(now: float, packets: Array[PackedByteArray]) -> void:
	if now >= _timeout_at:
		_end_wait()
	# The bits of an acknowledgement reach so far.
	var first := _first_number()
	_is_held_back = false
	var lost_at := 0
	while true:
		var sent: Sent = null
		var size := 0
		var number := _next_number
		if _lost > 0:
			while _segments[lost_at].state != State.LOST:
				lost_at += 1
			sent = _segments[lost_at]
			size = sent.bytes.size()
			number = sent.number
		elif _at < _messages.size():
			size = _next_size()
		else:
			return
		if _flying >= _window or number - first >= Limits.WINDOW_SEGMENTS:
			_is_held_back = true
			return
		if not _may_go(size, now):
			return
		if sent:
			_lost -= 1
			sent.state = State.FLYING
			sent.sends += 1
		else:
			sent = _cut()
		sent.sent_at = now
		_flying += 1
		if _timeout_at == INF:
			_timeout_at = now + _timing.timeout_ms()
		packets.append(Packet.write_segment(sent.number, sent.is_last, sent.bytes))


## The peer says what has come. An acknowledgement of what was never sent is ignored.
func hear(acknowledgement: PackedByteArray, now: float) -> void:
	var next := Packet.number_of(acknowledgement)
	if next > _next_number:
		return
	var newest := -INF
	var came := 0
	var bits := 8 * (acknowledgement.size() - Packet.HEADER_BYTES)
	for i in mini(_segments.size(), next + 1 + bits - _first_number()):
		var sent := _segments[i]
		if sent.state == State.COME or not Packet.has_come(acknowledgement, next, sent.number):
			continue
		if sent.state == State.FLYING:
			_flying -= 1
		else:
			_lost -= 1
		sent.state = State.COME
		came += 1
		waiting -= sent.bytes.size() + Limits.SEGMENT_COST_BYTES
		# What was sent twice does not show which of the two has come. So soon it was the first.
		if sent.sends == 1 or now - sent.sent_at >= maxf(_timing.round_trip_ms, 0) / 2:
			newest = maxf(newest, sent.sent_at)
		if sent.sends == 1:
			_timing.measure(now - sent.sent_at)
	if came == 0:
		return
	# A window that was not used up says nothing of what the path could carry.
	if _is_held_back:
		var more := float(came) if _window < _threshold else came / _window
		_window = minf(Limits.WINDOW_SEGMENTS, _window + more)
	_drop_come()
	_find_lost(newest)
	_timeout_at = now + _timing.timeout_ms() if _flying > 0 else INF


## Packets go another way. What was on the old way is sent again.
func change_path(round_trip_ms: float, bytes_per_second: float, now: float) -> void:
	_timing.restart(round_trip_ms)
	_bytes_per_second = bytes_per_second
	_room = Limits.BURST_BYTES
	_room_at = now
	_window = Limits.FIRST_WINDOW
	_threshold = INF
	_recovery = 0
	_lose_all()


## When there may be something to send without anything heard. INF for never.
func wake_at(now: float) -> float:
	var size := 0
	if _lost > 0:
		for sent in _segments:
			if sent.state == State.LOST:
				size = sent.bytes.size()
				break
	elif _at < _messages.size():
		size = _next_size()
	else:
		return _timeout_at
	if _is_held_back:
		return _timeout_at
	var missing := size - _room
	var paid_at := now if missing <= 0 else _room_at + ceilf(missing / _bytes_per_second * 1000)
	return minf(_timeout_at, paid_at)


func _first_number() -> int:
	return _next_number if _segments.is_empty() else _segments[0].number


## Bytes of the next segment that was never sent.
func _next_size() -> int:
	return mini(Limits.SEGMENT_BYTES, _messages[_at].size() - _taken)


func _cut() -> Sent:
	var message := _messages[_at]
	var sent := Sent.new()
	sent.number = _next_number
	sent.bytes = message.slice(_taken, _taken + Limits.SEGMENT_BYTES)
	_taken += sent.bytes.size()
	sent.is_last = _taken >= message.size()
	_next_number += 1
	_segments.append(sent)
	if sent.is_last:
		_taken = 0
		_at += 1
		# Let go of those that were sent, once they are as many as the others.
		if 2 * _at >= _messages.size():
			_messages = _messages.slice(_at)
			_at = 0
	return sent


func _may_go(size: int, now: float) -> bool:
	if _bytes_per_second == INF:
		return true
	_room = minf(Limits.BURST_BYTES, _room + (now - _room_at) / 1000 * _bytes_per_second)
	_room_at = now
	if _room < size:
		return false
	_room -= size
	return true


func _drop_come() -> void:
	var gone := 0
	while gone < _segments.size() and _segments[gone].state == State.COME:
		gone += 1
	if gone > 0:
		_segments = _segments.slice(gone)


## `newest`: when the last one that has come was sent.
func _find_lost(newest: float) -> void:
	var before := newest - maxf(Limits.REORDER_MS, _timing.round_trip_ms / 4)
	for sent in _segments:
		if sent.state != State.FLYING or sent.sent_at > before:
			continue
		_lose(sent)
		if sent.number < _recovery:
			continue
		_recovery = _next_number
		_threshold = maxf(Limits.LEAST_WINDOW, _window / 2)
		_window = _threshold


func _end_wait() -> void:
	_timing.back()
	_threshold = maxf(Limits.LEAST_WINDOW, _window / 2)
	_window = Limits.LEAST_WINDOW
	_recovery = _next_number
	_lose_all()


func _lose_all() -> void:
	for sent in _segments:
		if sent.state == State.FLYING:
			_lose(sent)
	_timeout_at = INF


func _lose(sent: Sent) -> void:
	sent.state = State.LOST
	_flying -= 1
	_lost += 1
