class_name OrionLobby
extends RefCounted
## A lobby, and this player in it. Made by [OrionEdge].

signal player_joined(player: OrionPlayer)
## [param was_kicked]: the host has removed it.
signal player_left(player: OrionPlayer, was_kicked: bool)
## The player's connection is lost. It keeps its place until then, in milliseconds since 1970 (0: not known).
signal player_went_away(player: OrionPlayer, until_ms: int)
signal player_returned(player: OrionPlayer)
## The player has changed something of itself. [param change] has the new values; a null in its data is a key that is gone.
signal player_changed(player: OrionPlayer, change: Dictionary)
## [param at_ms] is in milliseconds since 1970, by the server's clock. [param was_missed]: it was said while this player was away.
signal chat_received(from: String, text: String, at_ms: int, was_missed: bool)
## The lobby's data has changed. A null is a key that is gone.
signal data_changed(change: Dictionary)
## The host has changed the lobby: name, title, is_public, max_players, has_password, is_locked, as far as they changed.
signal settings_changed(change: Dictionary)
## [param player] is null if the new host has left by now. [param term] counts hosts.
signal host_changed(player: OrionPlayer, term: int)
signal signal_received(from_id: String, data: Variant)
## A signal to this player was not passed on.
signal signal_failed(to_id: String, code: String)
## A start takes long: the server has seen these players' datagrams, and waits for those.
signal progress_changed(seen: Array[String], awaited: Array[String])
## A start, or the linking of latecomers, is done: all who took part are connected.
signal connected
## A start has failed, or goes on without this player (left_out). The lobby is open again.
signal start_aborted(code: String, message: String)
## A player could not be connected, or not directly, and why. The report has client_id, name, cause and peers.
signal report_received(report: Dictionary)
## This player's connection is lost. The lobby keeps its place for so long, and the addon tries to come back.
signal connection_lost(grace_ms: int)
## It is back. [param is_complete]: all chat that was missed has been told as well.
signal resumed(is_complete: bool)
## Somebody has tried to come back in this player's place, and was refused.
signal resume_refused
## A link is usable: [code]links[id][/code]. [param id] is the other player's.
signal link_opened(id: String)
signal link_closed(id: String, cause: String)
signal link_path_changed(id: String, path: String)
## The lobby is over for this player. Comes once. The code is one of: connected, left_out, host_left, left, kicked, disconnected,
## resumed_elsewhere, resume_refused. Links that were handed out live on.
signal closed(code: String)

## Five letters and digits by which others join.
var code := ""
## This player's id and name.
var own_id := ""
var own_name := ""
var host_id := ""
## Everybody, this player too, by id, in order of arrival.
var players: Dictionary[String, OrionPlayer] = {}
## The open links, by the other player's id.
var links: Dictionary[String, OrionLink] = {}
