extends RefCounted
## Tickets for relays last for minutes. As long as the WebSocket is open, the server renews them: here they are asked for in time, and again if no answer comes.
## Polled.

## Tickets in one message.
const TICKETS_PER_MESSAGE := 32
## When they are renewed, as a part of their time: not all clients of a lobby at the same moment.
const EARLIEST := 0.5
const LATEST := 0.7
## When the next try is due if no answer came.
const RETRY_PART := 0.05
## Milliseconds for which the server renews a ticket that has expired.
const GRACE_MS := 60_000.0

## Sends one message with these tickets: an Array of {ticket, key}.
var _ask: Callable
## What holds tickets, with the links' ends that they are of.
var _holders: Dictionary[RefCounted, RefCounted] = {}
var _missing: Array[RefCounted] = []
var _life_ms := 0.0
## When the tickets that they have now came, and when the next step is due.
var _since := 0.0
var _due_at := INF


func _init(ask: Callable) -> void:
	_ask = ask


## Keeps this one's ticket good.
func add(holder: RefCounted, end: RefCounted, now: float) -> void:
	_holders[holder] = end
	if _due_at == INF:
		_begin(holder.life_ms, now)


## An answer of the server, perhaps to somebody else: later tickets, each good for so long from now on.
func hear(tickets: Array[Dictionary], life_ms: float, now: float) -> void:
	var before := _missing.size()
	for told in tickets:
		if not told.get("ticket") is String or not told.get("key") is String:
			continue
		for holder in _missing:
			if holder.renew(told.ticket, told.key):
				_holders[holder].ticket_renewed(holder)
				_missing.erase(holder)
				break
	if before > 0 and _missing.is_empty() and _due_at != INF:
		_begin(life_ms, now)


func poll(now: float) -> void:
	if now < _due_at:
		return
	for holder: RefCounted in _holders.keys():
		if _holders[holder].is_over:
			_holders.erase(holder)
			_missing.erase(holder)
	if _missing.is_empty():
		_missing.assign(_holders.keys())
	if _missing.is_empty() or now - _since > _life_ms + GRACE_MS:
		_due_at = INF
		return
	var tickets := _missing.map(func(holder: RefCounted) -> Dictionary: return {"ticket": holder.ticket, "key": holder.key})
	for at in range(0, tickets.size(), TICKETS_PER_MESSAGE):
		_ask.call(tickets.slice(at, at + TICKETS_PER_MESSAGE))
	_due_at = now + _life_ms * RETRY_PART


func _begin(life_ms: float, now: float) -> void:
	_life_ms = life_ms
	_since = now
	_due_at = now + life_ms * randf_range(EARLIEST, LATEST)
