## How long a packet and its acknowledgement take, and when to send again what had none (RFC 6298).
extends RefCounted

const Limits := preload("limits.gd")

## The smoothed round trip in milliseconds. Negative while none is known.
var round_trip_ms := -1.0
var _variation := 0.0
var _in_vain := 0


func timeout_ms() -> float:
	var once := Limits.FIRST_TIMEOUT_MS
	if round_trip_ms >= 0:
		var slack := maxf(4 * _variation, Limits.ACKNOWLEDGE_MS)
		once = maxf(Limits.LEAST_TIMEOUT_MS, roundf(round_trip_ms + slack))
	return minf(Limits.MOST_TIMEOUT_MS, once * (1 << _in_vain))


## One more round trip was seen.
func measure(ms: float) -> void:
	_in_vain = 0
	if round_trip_ms < 0:
		round_trip_ms = ms
		_variation = ms / 2
		return
	_variation += (absf(round_trip_ms - ms) - _variation) / 4
	round_trip_ms += (ms - round_trip_ms) / 8


## The time has passed without an acknowledgement.
func back() -> void:
	# 2^5 times the shortest is the longest.
	_in_vain = mini(5, _in_vain + 1)


## Another path: what was measured says nothing of it.
func restart(ms: float) -> void:
	round_trip_ms = -1.0
	_in_vain = 0
	if ms >= 0:
		measure(ms)
