extends RefCounted
## Our end of the relay over UDP: bound at once, again until the peer is there, and from then on kept bound.

const Checks := preload("checks.gd")
const Limits := preload("limits.gd")
const State := preload("state.gd")

## Over with the ticket, and not to be had by asking again.
const FINAL_CODES: Array[String] = ["ticket_expired", "ticket_superseded", "bytes", "lifetime"]


## Binds, if it is time.
static func bind_when_due(state: State) -> void:
	if not state.has_relay or state.now < state.bind_at:
		return
	state.effects.append({"kind": "bind-relay"})
	var is_needed := state.phase != "linked" or state.in_use.kind == "relay"
	var most := Limits.RELAY_RETRY_MOST_MS if is_needed else Limits.RELAY_REFRESH_MS
	state.bind_at = state.now + minf(most, Limits.RELAY_RETRY_MS * (1 << mini(state.relay_tries, 10)))
	state.relay_tries += 1


## The relay has bound our end: with the peer there, the path through it is checked at once.
static func take_bound(state: State, is_peer_there: bool) -> void:
	if not state.has_relay:
		return
	if not state.is_relay_bound:
		state.note("relay bound")
	state.is_relay_bound = true
	state.is_relay_answered = true
	state.is_relay_refused = false
	# Without the peer it is asked for again, as the tries go.
	if not is_peer_there:
		return
	state.relay_tries = 0
	state.bind_at = state.now + Limits.RELAY_REFRESH_MS
	for candidate in state.candidates:
		if candidate.kind == "relay":
			Checks.trigger(state, candidate, Limits.RELAY_CHECKS)


## The relay does not carry the link, for good or for now.
static func take_refusal(state: State, code: String) -> void:
	if not state.has_relay:
		return
	if not state.is_relay_refused:
		state.note("relay refused: %s" % code)
	state.is_relay_bound = false
	state.is_relay_answered = true
	state.is_relay_refused = true
	state.bind_at = INF if code in FINAL_CODES else maxf(state.bind_at, state.now + Limits.RELAY_RETRY_MOST_MS)
	for candidate in state.candidates:
		if candidate.kind == "relay":
			give_up(state, candidate)


## Binds soon, unless there is no sense in it: the relay may have forgotten us.
static func bind_again(state: State) -> void:
	if state.has_relay and is_finite(state.bind_at):
		state.relay_tries = 0
		state.bind_at = state.now


## Binds with the ticket that is new, at once.
static func take_ticket(state: State) -> void:
	if state.has_relay:
		state.is_relay_refused = false
		state.relay_tries = 0
		state.bind_at = state.now


## Whether the relay will never carry the link.
static func is_hopeless(state: State) -> bool:
	return not state.has_relay or state.bind_at == INF


## What goes through there is lost: dead at once, by way of the ladder, which does what follows.
static func give_up(state: State, candidate: State.Candidate) -> void:
	candidate.left = 0
	if candidate.is_confirmed:
		candidate.unanswered = Limits.ONE_WAY_CHECKS
	candidate.checked_at = minf(candidate.checked_at, state.now - Limits.SILENCE_MS)
