extends RefCounted
## Tries again what may succeed the next time.

const Ending := preload("ending.gd")
const Frames := preload("frames.gd")
const Http := preload("http.gd")

## Milliseconds in all, and before the second attempt. Each pause is twice as long as the one before, give or take half.
const FOR_MS := 10_000.0
const FIRST_PAUSE_MS := 100.0
const LONGEST_PAUSE_MS := 2_000.0
const LOSSES: Array[String] = ["unreachable", "disconnected", "unanswered"]


## Whether the connection failed: the next attempt may succeed.
static func is_loss(answer: Dictionary) -> bool:
	return answer.code in LOSSES


## Tries until an attempt goes well, is refused for good, or the time is almost over. [param attempt] takes the milliseconds that it has, and gives an answer
## as http.gd does. [param may_pass]: whether an answer that is a failure may be another the next time.
static func run(
	frames: Frames, attempt: Callable, ending: Ending, may_pass: Callable, for_ms := FOR_MS, first_ms := Http.ATTEMPT_MS
) -> Dictionary:
	var give_up_at := Time.get_ticks_msec() + for_ms
	var limit := first_ms
	var pause := FIRST_PAUSE_MS
	while true:
		var answer: Dictionary = await attempt.call(minf(limit, give_up_at - Time.get_ticks_msec()))
		if answer.code == "" or ending.why() != "" or frames.is_over:
			return answer
		var wait: float = answer.retry_after_s * 1000.0
		if wait == 0.0:
			if not may_pass.call(answer):
				return answer
			wait = pause * randf_range(0.5, 1.5)
		if Time.get_ticks_msec() + maxf(wait, 2.0 * pause) > give_up_at:
			return answer
		var until := Time.get_ticks_msec() + wait
		while Time.get_ticks_msec() < until:
			await frames.passed
			if ending.why() != "":
				return Http.failure(ending.why())
			if frames.is_over:
				return Http.failure("aborted")
		limit = minf(2.0 * limit, Http.ATTEMPT_MS)
		pause = minf(2.0 * pause, LONGEST_PAUSE_MS)
	return {}
