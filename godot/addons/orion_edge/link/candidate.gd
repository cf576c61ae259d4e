extends RefCounted
## An address of the peer's that may lead to it, and what is known of the path there. Times in milliseconds.

## As in path.gd.
var kind := ""
var local := 0
var ip := ""
var port := 0
## Who says so: "observed" (the sidecar), "claimed" (the peer), "guessed", "met" (a packet that came from there), "relay", "channel".
var origin := ""
## A check of ours was answered, and the path has not died since.
var is_confirmed := false
## Checks that may still be sent while it is not confirmed.
var left := 0
## Checks sent in this attempt: they slow down.
var paced := 0
## When the next is due while it is not confirmed, and when the last was sent.
var check_at := 0.0
var checked_at := -INF
## Checks sent since one was answered.
var unanswered := 0
## What its next check is worth, where it is not proven (unproven.gd).
var worth := "first"
## The last checks, oldest first: {number, at, worth}.
var awaited: Array[Dictionary] = []
## When a packet of the peer's last came over it, and when the last that was no answer.
var heard_at := -INF
var called_at := -INF
## -1 as long as none was measured.
var round_trip_ms := -1.0


## One that nothing was sent to yet; if it has checks left, the first is due at once.
static func make(at_kind: String, at_local: int, at_ip: String, at_port: int, from: String, checks: int, now: float) -> RefCounted:
	var made := new()
	made.kind = at_kind
	made.local = at_local
	made.ip = at_ip
	made.port = at_port
	made.origin = from
	made.left = checks
	made.check_at = now
	made.worth = "rest" if from == "met" else "first"
	return made


func is_at(from_local: int, from_ip: String, from_port: int) -> bool:
	return local == from_local and port == from_port and ip == from_ip
