extends RefCounted
## Packets to addresses that nothing has proved to be the peer's: a lobby of liars may claim the same one to many. So a client sends only so many of them a
## minute, over all its links. One of these for all.

const Addresses := preload("../wire/addresses.gd")
const Candidate := preload("candidate.gd")
const Candidates := preload("candidates.gd")
const Config := preload("config.gd")
const Limits := preload("limits.gd")
const Path := preload("path.gd")

## The part of the burst that each leaves to what is worth more: the first check since the peer was heard there, the first to a told address, all others.
const KEPT := {"heard": 0.0, "first": 0.2, "rest": 0.5}
const PER_MINUTE := {"public": Limits.UNPROVEN_CHECKS, "home": Limits.HOME_CHECKS, "near": Limits.NEAR_CHECKS}

var _left := {}
var _at := 0.0


func _init(now: float) -> void:
	_at = now
	for where: String in PER_MINUTE:
		_left[where] = PER_MINUTE[where] / 2.0


## Takes one from the allowance; false if there is none.
func may_send(where: String, worth: String, now: float) -> bool:
	var passed := maxf(0.0, now - _at)
	_at = now
	for each: String in PER_MINUTE:
		_left[each] = minf(PER_MINUTE[each] / 2.0, _left[each] + passed / 1000.0 * PER_MINUTE[each] / 120.0)
	if _left[where] < 1.0 + PER_MINUTE[where] / 2.0 * KEPT[worth]:
		return false
	_left[where] -= 1.0
	return true


## What a packet to there counts as: "public", "home", "near"; empty if it does not count.
static func where_of(config: Config, kind: String, local: int, ip: String, port: int, is_measured: bool) -> String:
	if kind == "relay" or Path.is_channel(local) or is_measured:
		return ""
	if config.is_peer_proven and ip == config.peer_ip:
		return ""
	if Addresses.scope_of(ip) != "public" or Candidates.is_near(config, ip):
		return "near"
	for claim in config.claims:
		if claim.is_proven and claim.ip == ip and claim.port == port:
			return "home"
	return "public"
