extends RefCounted
## Ends what is under way: all that wait for something look at it in each frame.

## Why it is over; empty while it is not.
var code := ""
## What ends this as well.
var _parent: RefCounted


func _init(parent: RefCounted = null) -> void:
	_parent = parent


func why() -> String:
	if code == "" and _parent:
		return _parent.why()
	return code
