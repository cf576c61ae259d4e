class_name OrionResult
extends RefCounted
## What a request came to: it went well, or [member code] says why not.
##
## Decide by [member code], which never changes its meaning. [member message] is a sentence that you may show to the player.

## Whether it went well.
var is_ok := true
## Empty if it went well; else one of the codes in docs/protocol.md, or the addon's own.
var code := ""
## A sentence for the player; empty if it went well.
var message := ""
## All that was wrong; the first is [member code].
var codes := PackedStringArray()
## The HTTP status, if the server refused; else 0.
var status := 0
## Seconds to wait before asking again, if the server said how many; else 0.
var retry_after_s := 0
## The lobby that was opened or joined.
var lobby: OrionLobby = null
## After [method OrionEdge.match]: whether the lobby was opened for this player.
var was_created := false
## The lobbies of [method OrionEdge.list], each a Dictionary: code, name, title, members, max_members, privacy, game, is_locked,
## has_password, is_full, data.
var lobbies: Array[Dictionary] = []
## Where the next page of that list begins; empty if this was the last.
var cursor := ""
## The links that [method OrionLobby.start] or [method OrionLobby.started] has brought about.
var links: Array[OrionLink] = []
## The lobby's version after a change, or the snapshot's.
var version := 0
## The bytes of [method OrionLobby.read_snapshot]. Another player may have written them: do not trust them.
var bytes := PackedByteArray()
## After [method OrionLobby.save_snapshot]: no crash can lose it any more.
var is_durable := false


## One that went well.
static func ok() -> OrionResult:
	return OrionResult.new()


## One that did not.
static func failed(failure: String, sentence: String) -> OrionResult:
	var result := OrionResult.new()
	result.is_ok = false
	result.code = failure
	result.message = sentence
	result.codes = PackedStringArray([failure])
	return result


func _to_string() -> String:
	return "OrionResult(ok)" if is_ok else "OrionResult(%s: %s)" % [code, message]
