extends RefCounted
## Links take turns at probing for ports: a home router takes the packets of a few. Each has a moment before the next begins, and of more than a few the oldest
## gives up its turn.

## Milliseconds after which the next has its turn, whether or not the one before is done.
const HOLD_MS := 1_500.0
## Links that have a turn at once.
const MOST_HOLDERS := 4

## Those who wait, and those who have a turn, the oldest first. Each has the methods turn_given and turn_over.
var _waiting: Array[RefCounted] = []
var _holders: Array[RefCounted] = []
## The one whose turn began last, and until when the next waits for it.
var _last: RefCounted = null
var _next_at := INF


func ask(asker: RefCounted) -> void:
	if asker not in _holders and asker not in _waiting:
		_waiting.append(asker)


## Gives up the turn, or the wait for it.
func end(asker: RefCounted) -> void:
	_waiting.erase(asker)
	_holders.erase(asker)
	if _last == asker:
		_last = null


func poll(now: float) -> void:
	if _waiting.is_empty() or (_last != null and now < _next_at):
		return
	var first: RefCounted = _waiting.pop_front()
	if _holders.size() >= MOST_HOLDERS:
		_holders.pop_front().turn_over()
	_holders.append(first)
	_last = first
	_next_at = now + HOLD_MS
	first.turn_given()
