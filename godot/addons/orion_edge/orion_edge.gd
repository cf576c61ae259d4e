class_name OrionEdge
extends Node
## An Orion Edge server: opens, joins, finds and lists lobbies.
##
## Add it to the scene tree, or make it an autoload. It works while the tree is paused. When it leaves the tree, it leaves its lobbies and closes their
## links.

## The server, like [code]https://orion.example[/code].
@export var server_url := "http://localhost:5980"


## Opens a lobby, as its host.
func host(_options: Dictionary = {}) -> OrionResult:
	return OrionResult.failed("unavailable", "")


## Joins the lobby with this code.
func join(_code: String, _options: Dictionary = {}) -> OrionResult:
	return OrionResult.failed("unavailable", "")


## Joins an open public lobby of the game, or opens one.
func match(_options: Dictionary = {}) -> OrionResult:
	return OrionResult.failed("unavailable", "")


## The public lobbies.
func list(_options: Dictionary = {}) -> OrionResult:
	return OrionResult.failed("unavailable", "")


## Comes back as the player that this key is of: after the game has crashed.
func resume(_return_key: String, _options: Dictionary = {}) -> OrionResult:
	return OrionResult.failed("unavailable", "")
