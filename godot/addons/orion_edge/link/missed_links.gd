extends RefCounted
## Links that have died while both players are in the lobby: a program was suspended for a minute, and its WebSocket lived. The server is asked to
## connect them again, later each time, until there is a link or nothing to wait for. Polled.

## MISSED: it is to be asked for. LATER: not now. OVER: there is a link, or no such player any more.
enum Miss { MISSED, LATER, OVER }

## Milliseconds until the first question, and until the second, which is answered by then. Each pause is twice as long as the one before.
const FIRST_MS := 500.0
const SECOND_MS := 5_000.0
const LONGEST_MS := 30_000.0

var _ask: Callable
var _miss_of: Callable
## The client ids of the peers.
var _peers: Array[String] = []
var _pause_ms := SECOND_MS
var _look_at := INF
var _is_over := false


## [param ask] is called with the client ids of the peers, [param miss_of] with that of one: it says which Miss that is.
func _init(ask: Callable, miss_of: Callable) -> void:
	_ask = ask
	_miss_of = miss_of


## The link to this peer has died.
func add(client_id: String, now: float) -> void:
	if client_id not in _peers:
		_peers.append(client_id)
	_pause_ms = SECOND_MS
	_look_in(FIRST_MS, now)


## The lobby is over: nobody is asked any more.
func stop() -> void:
	_is_over = true


func poll(now: float) -> void:
	if _is_over or now < _look_at:
		return
	_look_at = INF
	var missed: Array[String] = []
	for peer: String in _peers.duplicate():
		match _miss_of.call(peer):
			Miss.OVER:
				_peers.erase(peer)
			Miss.MISSED:
				missed.append(peer)
	if _peers.is_empty():
		return
	if not missed.is_empty():
		_ask.call(missed)
	_look_in(_pause_ms, now)
	_pause_ms = minf(2.0 * _pause_ms, LONGEST_MS)


## Both ends miss the link. Rarely do they ask at the same time.
func _look_in(ms: float, now: float) -> void:
	_look_at = now + ms * (0.5 + randf())
