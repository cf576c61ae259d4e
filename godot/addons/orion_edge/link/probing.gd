extends RefCounted
## Finding a port by chance where exactly one of the two NATs gives every destination a port of its own: the side behind it opens 256 sockets and sends from
## each, the other sends to one port after another. They miss each other with a probability of 0.03 %.

const Candidate := preload("candidate.gd")
const Candidates := preload("candidates.gd")
const Checks := preload("checks.gd")
const Limits := preload("limits.gd")
const Numbers := preload("numbers.gd")
const Path := preload("path.gd")
const State := preload("state.gd")

## Ports that a NAT gives, and a stride through them: those that are tried lie far apart.
const FIRST_PORT := 1024
const PORT_COUNT := 64_512
const PORT_STRIDE := 39_871
## Milliseconds between volleys.
const VOLLEY_MS := 50.0
## Volleys that may still be answered: 3 s.
const VOLLEYS_AWAITED := 60


## How the search begins: not at all unless exactly one of the two has such a NAT.
static func begin(state: State) -> void:
	if _role_of(state) == "":
		return
	state.probing = "delayed"
	state.probing_at = state.now + Limits.BIRTHDAY_AFTER_MS
	state.probing_until = state.now + Limits.BIRTHDAY_MS


## The port that is tried as this one in turn: each once.
static func port_at(offset: int, index: int) -> int:
	return FIRST_PORT + (offset + index * PORT_STRIDE) % PORT_COUNT


## When the search has something to do; infinity for never.
static func due_at(state: State) -> float:
	match state.probing:
		"delayed", "lingering":
			return state.probing_at
		"waiting", "opening":
			return state.probing_until
		"guessing", "spraying":
			return minf(state.probing_at, state.probing_until)
		_:
			return INF


## Whether a port may still be found.
static func is_on(state: State) -> bool:
	return state.probing not in ["none", "lingering", "over"]


## Goes on with the search, if it is time.
static func go_on_when_due(state: State) -> void:
	if state.now < due_at(state):
		return
	match state.probing:
		"delayed":
			if state.now >= state.probing_until:
				end(state)
				return
			state.effects.append({"kind": "ask-turn"})
			state.probing = "waiting"
		"spraying":
			_spray(state)
		"guessing":
			_guess(state)
		"waiting", "opening":
			end(state)


## The turn that was asked for: a late one is given back.
static func take_turn(state: State) -> void:
	if state.probing != "waiting":
		state.effects.append({"kind": "end-turn"})
		return
	state.note("port probing began")
	if _role_of(state) == "guess":
		state.probing = "guessing"
		state.probing_at = state.now
		state.probing_index = 0
		return
	state.opened_sockets = 0
	state.is_keeping_all = true
	state.effects.append({"kind": "open-sockets", "count": Limits.BIRTHDAY_SOCKETS})
	state.probing = "opening"


## The sockets that were asked for, or as many as there are; without any the search is over.
static func take_sockets(state: State, count: int) -> void:
	if state.probing != "opening":
		return
	state.opened_sockets = mini(count, Limits.BIRTHDAY_SOCKETS)
	state.is_keeping_all = true
	if count < 1:
		end(state)
		return
	state.probing = "spraying"
	state.probing_at = state.now
	state.probing_index = 0
	state.probing_again_at = state.now + Limits.BIRTHDAY_AGAIN_MS


## A port was found, or is not looked for any longer.
static func end(state: State) -> void:
	if not is_on(state):
		return
	var before := state.probing
	state.probing = "over"
	if before == "delayed":
		return
	if before != "waiting":
		state.note("port probing ended")
	if state.phase == "linked" and state.in_use.local >= 0:
		state.probing = "lingering"
		state.probing_at = state.now + Limits.BIRTHDAY_LINGER_MS
	elif state.is_keeping_all:
		keep_socket(state, -1)
	state.effects.append({"kind": "end-turn"})


## Closes the sockets but for one (-1: all), with all that is known of the others.
static func keep_socket(state: State, local: int) -> void:
	state.is_keeping_all = false
	state.kept_socket = maxi(-1, local)
	state.candidates = state.candidates.filter(
		func(candidate: Candidate) -> bool: return candidate.local < 0 or candidate.local == local
	)
	state.effects.append({"kind": "close-sockets", "keep": state.kept_socket})


## Whether a socket is ours to send from.
static func is_open(state: State, local: int) -> bool:
	if Path.is_channel(local):
		return local in state.open_channels
	if state.config.no_udp != "":
		return false
	if local == Path.V4:
		return true
	if local == Path.V6:
		return state.config.has_v6
	return local < state.opened_sockets if state.is_keeping_all else local == state.kept_socket


## Takes an answer to a probe: the path it proves is a candidate from then on. False if it answers none.
static func take_answer(state: State, number: int, local: int, ip: String, port: int) -> bool:
	var config := state.config
	if config.peer_ip == "":
		return false
	for volley in state.volleys:
		if number < volley.number or number >= volley.number + volley.count:
			continue
		var index: int = volley.index + number - volley.number
		var is_right: bool
		if _role_of(state) == "guess":
			is_right = local == Path.V4 and ip == config.peer_ip and port == port_at(state.port_offset, index)
		else:
			is_right = local == index and ip == config.peer_ip and port == config.peer_port
		if not is_right:
			return false
		var candidate: Candidate = Candidate.make("direct", local, ip, port, "met", 0, state.now)
		state.candidates.append(candidate)
		Checks.confirm(state, candidate, 0.0)
		# When exactly it was sent is not kept: the next check tells the round trip.
		candidate.round_trip_ms = -1.0
		return true
	return false


## Which part is ours: none if it is neither or both of us, or where there are no ports to guess.
static func _role_of(state: State) -> String:
	var config := state.config
	if config.no_udp != "" or config.peer_ip == "" or not config.is_peer_proven or config.peer_ip.contains(":"):
		return ""
	if not Candidates.may_trust(config, config.peer_ip, config.peer_port):
		return ""
	var is_ours := config.own_mapping == "endpoint-dependent"
	if is_ours == (config.peer_mapping == "endpoint-dependent"):
		return ""
	return "spray" if is_ours else "guess"


static func _spray(state: State) -> void:
	if state.now >= state.probing_until:
		end(state)
		return
	var opened := state.opened_sockets
	var count := mini(ceili(opened * VOLLEY_MS / 1_000.0), opened - state.probing_index)
	_fire(state, count, func(index: int) -> Array: return [index, state.config.peer_ip, state.config.peer_port])
	state.probing_index += count
	state.probing_at = state.now + VOLLEY_MS
	if state.probing_index >= opened:
		state.probing_index = 0
		state.probing_at = maxf(state.probing_again_at, state.probing_at)
		state.probing_again_at = state.probing_at + Limits.BIRTHDAY_AGAIN_MS


static func _guess(state: State) -> void:
	if state.now >= state.probing_until or state.probing_index >= Limits.BIRTHDAY_PROBES:
		end(state)
		return
	var count := mini(roundi(Limits.BIRTHDAY_RATE * VOLLEY_MS / 1_000.0), Limits.BIRTHDAY_PROBES - state.probing_index)
	_fire(
		state, count, func(index: int) -> Array: return [Path.V4, state.config.peer_ip, port_at(state.port_offset, index)]
	)
	state.probing_index += count
	# The last ones have a second to be answered.
	state.probing_at = state.now + (VOLLEY_MS if state.probing_index < Limits.BIRTHDAY_PROBES else 1_000.0)


static func _fire(state: State, count: int, place_at: Callable) -> void:
	state.volleys.append({"number": state.number + 1, "count": count, "index": state.probing_index})
	if state.volleys.size() > VOLLEYS_AWAITED:
		state.volleys.pop_front()
	for i in count:
		var place: Array = place_at.call(state.probing_index + i)
		var number := Numbers.take(state)
		# The peer may share its address with the sidecar.
		if place[1] == state.config.sidecar_ip and place[2] == state.config.sidecar_port:
			continue
		state.effects.append(
			{
				"kind": "send",
				"packet": "check",
				"number": number,
				"local": place[0],
				"ip": place[1],
				"port": place[2],
				"where": "",
				"worth": "rest",
			}
		)
