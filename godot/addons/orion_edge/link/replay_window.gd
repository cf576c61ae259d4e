extends RefCounted
## Which numbers of checks have come: each counts once, and an old one not at all. A sender may skip any number of them, so the last ones are kept.

const Limits := preload("limits.gd")

## The highest that have come, in order.
var _numbers := PackedInt64Array()


## Takes the number; false if it has come before, or is too old to tell.
func take(number: int) -> bool:
	if number < 1:
		return false
	var at := _numbers.bsearch(number)
	if at < _numbers.size() and _numbers[at] == number:
		return false
	var is_full := _numbers.size() >= Limits.REPLAY_WINDOW
	if is_full and at == 0:
		return false
	_numbers.insert(at, number)
	if is_full:
		_numbers.remove_at(0)
	return true
