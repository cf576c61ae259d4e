## Which peer id of the engine stands for which player. The host decides, and tells the others.
##
## The host is 1. Anybody else has a number that is derived from its client id, and keeps it when the host changes.
extends RefCounted

const MOST_PLAYERS := 64

## Peer ids by client id.
var ids: Dictionary[String, int] = {}


## The peer id for this player. It is new unless the player had one.
func add(player_id: String) -> int:
	if ids.has(player_id):
		return ids[player_id]
	var attempt := 0
	while ids.values().has(derived(player_id, attempt)):
		attempt += 1
	ids[player_id] = derived(player_id, attempt)
	return ids[player_id]


## Takes what a host has told. False, and nothing changes, if no honest host says that.
func take(told: Dictionary, host_id: String) -> bool:
	if told.size() > MOST_PLAYERS:
		return false
	var taken: Dictionary[String, int] = {}
	for player_id: Variant in told:
		var id: Variant = told[player_id]
		if not player_id is String or not id is float or id != int(id) or id < 1 or id > 0x7fffffff:
			return false
		if (int(id) == 1) != (player_id == host_id) or taken.values().has(int(id)):
			return false
		taken[player_id] = int(id)
	ids = taken
	return true


## The host is another player: it becomes 1.
func change_host(host_id: String) -> void:
	for player_id in ids.keys():
		if ids[player_id] == 1:
			ids.erase(player_id)
	ids[host_id] = 1


func player_of(peer_id: int) -> String:
	var found: Variant = ids.find_key(peer_id)
	return "" if found == null else found


## From 2 to 2^31 - 1.
static func derived(player_id: String, attempt := 0) -> int:
	var digest := ("%s %d" % [player_id, attempt]).sha256_buffer()
	return 2 + (digest.decode_u32(0) & 0x7fffffff) % 0x7ffffffe
