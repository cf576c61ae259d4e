extends RefCounted
## The numbers of checks. They go up. Before and after a check that may come to a third party, some are skipped that nobody can foretell: else a peer could
## forge answers of somebody that it never hears.

const Candidate := preload("candidate.gd")
const LinkKeys := preload("../sealing/link_keys.gd")
const Limits := preload("limits.gd")
const Path := preload("path.gd")
const State := preload("state.gd")


## The next number for a check or a farewell.
static func take(state: State) -> int:
	state.number += 1
	return state.number


## The next number for a check of this candidate.
static func take_for(state: State, candidate: Candidate) -> int:
	if _is_peers_own(state, candidate):
		return take(state)
	state.number += _skip_after(state, state.number)
	var number := take(state)
	state.number += _skip_after(state, number)
	return number


static func _skip_after(state: State, number: int) -> int:
	var bytes := LinkKeys.hmac(state.config.skip_key, str(number).to_ascii_buffer())
	return bytes.decode_u32(0) % Limits.SKIPPED_NUMBERS


## Whether only the peer, and who is on the way, can hear what is sent there.
static func _is_peers_own(state: State, candidate: Candidate) -> bool:
	if candidate.kind == "relay" or Path.is_channel(candidate.local):
		return true
	var config := state.config
	return config.is_peer_proven and candidate.ip == config.peer_ip and candidate.port == config.peer_port
