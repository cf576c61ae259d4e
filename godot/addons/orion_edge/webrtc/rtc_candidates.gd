extends RefCounted
## What a peer may have a browser send packets to: at most 20 of its candidates, and none that lead into this player's own network, unless the two are near.

const Addresses := preload("../wire/addresses.gd")

const MOST := 20

var is_relay_only := false

var _is_near := false
var _taken := 0


func _init(is_near: bool, relay_only: bool) -> void:
	_is_near = is_near
	is_relay_only = relay_only


## Whether this candidate, a line of the standard's, is taken. It counts if so.
func may_take(line: String) -> bool:
	if _taken >= MOST or not _is_allowed(line):
		return false
	_taken += 1
	return true


## The description without candidates that are not taken. Empty if it has anything but one channel of data.
func description(sdp: String) -> String:
	var sections := 0
	var lines := PackedStringArray()
	for line in sdp.split("\n"):
		var bare := line.strip_edges()
		if bare.begins_with("m="):
			sections += 1
			if not bare.begins_with("m=application "):
				return ""
		if bare.begins_with("a=candidate:") and not may_take(bare.substr(2)):
			continue
		lines.append(bare)
	return "\r\n".join(lines) if sections == 1 else ""


func _is_allowed(line: String) -> bool:
	var words := line.trim_prefix("a=").split(" ", false)
	if words.size() < 8 or not words[0].begins_with("candidate:") or words[2].to_lower() != "udp":
		return false
	if is_relay_only and words[7] != "relay":
		return false
	if words[4].ends_with(".local"):
		return _is_near
	match Addresses.scope_of(Addresses.canonical(words[4])):
		"public":
			return true
		"private":
			return _is_near
		_:
			return false
