class_name OrionPlayer
extends RefCounted
## A member of a lobby, this player too. The same object for as long as the member is in the lobby.

## Stands for the member as long as it is in the lobby, also when it comes back.
var id := ""
## The name as servers have it: ASCII, each once in a lobby.
var name := ""
## The name to show, in any script.
var display_name := ""
## What the member says of itself. Its program wrote it: do not trust it.
var data: Dictionary = {}
## Whether its data says [code]ready: true[/code].
var is_ready := false
var is_host := false
## Whether it is this player.
var is_self := false
## Whether its connection is lost. It keeps its place for the lobby's grace period.
var is_away := false
## Whether its window is out of sight.
var is_hidden := false
## The open link to it, or null.
var link: OrionLink = null


func _to_string() -> String:
	return "OrionPlayer(%s)" % display_name
