extends RefCounted
## How a client shows its UDP socket to the sidecar: probes to both ports, until each has answered one that had its cookie. No I/O, and no clock: call an
## event's method, then do what is in [method take_effects].
##
## Effects have a "kind": "send" (ip, port, nonce, cookie), "unseen" (tell the server), "blocked" (nothing gets out) and "note" (event).

## Milliseconds between two tries, and their number.
const BETWEEN_MS := 150.0
const MOST_TRIES := 24
## Tries that go to the first address only.
const HEAD_START := 2
## Milliseconds without an answer until the server is told.
const UNSEEN_MS := 2_000.0
## Milliseconds without an answer until UDP counts as blocked: for one sidecar, and for all of them together.
const BLOCKED_MS := 5_000.0
const BLOCKED_AFTER_ALL_MS := 12_000.0
## Milliseconds between later probes: a NAT forgets us after 30 s.
const REFRESH_MS := 10_000.0


## One port of the sidecar, at one of its addresses.
class Port:
	var ip := ""
	var port := 0
	## Of the last probe there.
	var nonce := ""
	## Of its last answer; none before.
	var cookie := ""
	var is_seen := false


## Gives nonces: 8 to 32 characters.
var _draw_nonce: Callable
var _ports: Array[Port] = []
var _sidecar := ""
var _send_at := INF
var _tries := 0
var _first_asked_at := INF
var _was_answered := false
var _unseen_at := INF
var _blocked_at := INF
var _is_over := false
var _effects: Array[Dictionary] = []

## What the sidecar's first port gave us, to bind a relay with.
var cookie := ""


func _init(draw_nonce: Callable) -> void:
	_draw_nonce = draw_nonce


func take_effects() -> Array[Dictionary]:
	var effects := _effects
	_effects = []
	return effects


## Whether a sidecar has answered.
func is_seen() -> bool:
	return cookie != ""


## The address at which we were seen, or the first that was asked.
func ip() -> String:
	for port in _ports:
		if port.is_seen:
			return port.ip
	return _ports[0].ip if not _ports.is_empty() else ""


## The server asks to be shown our endpoint, by this sidecar. The same one again is a reminder. [param ips]: one of each family, IPv4 first.
func ask(host: String, ips: Array[String], ports: Array[int], now: float) -> void:
	if _is_over:
		return
	var sidecar := "%s %s" % [host, ports]
	var is_same := sidecar == _sidecar
	_sidecar = sidecar
	_first_asked_at = minf(_first_asked_at, now)
	if is_same and not _ports.is_empty():
		for port in _ports:
			port.is_seen = false
	else:
		_ports = []
		for each_ip in ips:
			for each_port in ports:
				var port := Port.new()
				port.ip = each_ip
				port.port = each_port
				port.nonce = _draw_nonce.call()
				_ports.append(port)
	_unseen_at = now + UNSEEN_MS
	if not is_same and not _was_answered:
		_blocked_at = minf(now + BLOCKED_MS, _first_asked_at + BLOCKED_AFTER_ALL_MS)
	_note("probes the server at %d and %d" % [ports[0], ports[-1]] if not ips.is_empty() else "finds no address of the server")
	_tries = 0
	_send(now)


## Whether an answer with this nonce, from there, may count. Ask before its mac is checked.
func awaits(nonce: Variant, from_ip: String, from_port: int) -> bool:
	return nonce is String and _port_at(nonce, from_ip, from_port) != null


func answered(nonce: String, from_ip: String, from_port: int, its_cookie: String) -> void:
	var port := _port_at(nonce, from_ip, from_port)
	if _is_over or port == null:
		return
	var is_first := port.cookie == ""
	port.cookie = its_cookie
	# The first of the sidecar's addresses that answers is used from then on.
	_ports = _ports.filter(func(other: Port) -> bool: return other.ip == from_ip)
	if is_first:
		# An answer to the old nonce does not show that the cookie arrived.
		port.nonce = _draw_nonce.call()
		_probe(port)
	elif not port.is_seen:
		port.is_seen = true
		_note("is seen by %d" % from_port)
	_was_answered = true
	_unseen_at = INF
	_blocked_at = INF
	if port == _ports[0]:
		cookie = its_cookie


## All is known: nothing is sent any more.
func stop() -> void:
	_is_over = true


## Does what is due.
func poll(now: float) -> void:
	if _is_over:
		return
	if now >= _blocked_at:
		_is_over = true
		_effects.append({"kind": "blocked"})
		return
	if now >= _unseen_at:
		_unseen_at = INF
		_effects.append({"kind": "unseen"})
	if now >= _send_at:
		_send(now)


## Probes the ports that have not seen us. Once all have, or after many tries, probes all, to stay known.
func _send(now: float) -> void:
	var is_done := _tries >= MOST_TRIES or _ports.all(func(port: Port) -> bool: return port.is_seen)
	for port in _ports:
		var is_early := _tries < HEAD_START and port.ip != _ports[0].ip
		if not is_early and (is_done or not port.is_seen):
			_probe(port)
	_tries += 1
	_send_at = now + (REFRESH_MS if is_done else BETWEEN_MS)


func _probe(port: Port) -> void:
	_effects.append({"kind": "send", "ip": port.ip, "port": port.port, "nonce": port.nonce, "cookie": port.cookie})


func _port_at(nonce: String, from_ip: String, from_port: int) -> Port:
	for port in _ports:
		if port.nonce == nonce and port.ip == from_ip and port.port == from_port:
			return port
	return null


func _note(event: String) -> void:
	_effects.append({"kind": "note", "event": event})
