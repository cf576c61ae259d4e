extends RefCounted
## The frames of the [OrionEdge] that all of its waiting goes by. When that leaves the tree, they pass a few more times at once: so all who wait see that it is
## over, and nobody waits for ever.

signal passed

## How often they pass at the end: what waits for something that waits sees it the next time.
const AT_THE_END := 6

var is_over := false


func finish() -> void:
	is_over = true
	for i in AT_THE_END:
		passed.emit()
