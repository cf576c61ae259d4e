extends RefCounted
## A computation with keys that takes milliseconds: in a thread of the engine's where there are some, so that no frame waits for it.

var _work: Callable
var _result: Variant = null
var _task := -1


## [param work] takes nothing, and touches nothing that others use.
static func begin(work: Callable) -> RefCounted:
	var made := new()
	made._work = work
	if OS.has_feature("threads") or not OS.has_feature("web"):
		made._task = WorkerThreadPool.add_task(made._run, true, "Orion Edge: keys")
	else:
		made._run()
	return made


func is_done() -> bool:
	return _task < 0 or WorkerThreadPool.is_task_completed(_task)


## What came of it. Waits if it is not done.
func result() -> Variant:
	if _task >= 0:
		WorkerThreadPool.wait_for_task_completion(_task)
		_task = -1
	return _result


func _run() -> void:
	_result = _work.call()
