extends RefCounted
## Which counters of the peer's packets have come: each counts once, and one that is too old not at all (RFC 6479).

## Counters below the highest that can still come.
const SIZE := 1024

var _highest := -1
## By the counter modulo the size, the counter that was there last.
var _seen := PackedInt64Array()


func _init() -> void:
	_seen.resize(SIZE)
	_seen.fill(-1)


## Whether it has not come, and is not too old to tell.
func is_new(counter: int) -> bool:
	return counter > _highest or (counter > _highest - SIZE and _seen[counter % SIZE] != counter)


## It has come. For genuine packets alone.
func take(counter: int) -> void:
	_highest = maxi(_highest, counter)
	_seen[counter % SIZE] = counter
