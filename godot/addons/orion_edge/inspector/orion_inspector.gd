class_name OrionInspector
extends CanvasLayer
## Shows in the running game who is connected, how, how fast, and why not better. F3 opens and closes it: F9 and F10 belong to the editor, which suspends the game with them.
##
## Add [code]res://addons/orion_edge/inspector/inspector.tscn[/code] to a scene, or make it an autoload. It shows the lobby of the
## scene tree's [OrionMultiplayerPeer], or the one given to [method watch]. It costs nothing while it is closed. Where several are in the tree, the last
## one alone opens: that of the scene, and not the plugin's.

## An action of the input map that opens and closes it, in place of F3.
@export var toggle_action: StringName = &""
## Whether only debug builds have it.
@export var is_for_debug_builds := true

## Of all that are in the tree.
const GROUP := &"orion_inspectors"
const REFRESH_S := 0.25
## Units of the viewport, and the part of its height that the panel takes at most.
const HEIGHT := 300.0
const MOST_OF_HEIGHT := 0.6
const COLUMNS: Array[String] = ["player", "peer", "path", "round trip", "loss", "encrypted", "cause"]

var _watched: OrionLobby
var _age := 0.0
@onready var _players: Tree = %Players
@onready var _timeline: Label = %Timeline
@onready var _summary: Label = %Summary


func _enter_tree() -> void:
	add_to_group(GROUP)


func _ready() -> void:
	hide()
	for i in COLUMNS.size():
		_players.set_column_title(i, COLUMNS[i])
		_players.set_column_title_alignment(i, HORIZONTAL_ALIGNMENT_LEFT)
		_players.set_column_clip_content(i, true)
	# Names and causes are the long ones.
	_players.set_column_expand_ratio(0, 2)
	_players.set_column_expand_ratio(6, 2)
	%Copy.pressed.connect(func() -> void: DisplayServer.clipboard_set(report()))
	_players.item_selected.connect(_refresh_timeline)


func _input(event: InputEvent) -> void:
	if is_for_debug_builds and not OS.is_debug_build():
		return
	if toggle_action:
		if event.is_action_pressed(toggle_action):
			toggle()
	elif event is InputEventKey and event.pressed and not event.echo and event.keycode == KEY_F3:
		toggle()


func _process(delta: float) -> void:
	_age += delta
	if not visible:
		return
	if not _is_last():
		hide()
	elif _age >= REFRESH_S:
		refresh()


## Shows this lobby, whatever multiplayer peer there is. Null: the peer's again.
func watch(lobby: OrionLobby) -> void:
	_watched = lobby


## Opens it, if it is the last one in the tree, or closes it.
func toggle() -> void:
	visible = not visible and _is_last()
	if visible:
		_fit()
		refresh()


func refresh() -> void:
	_age = 0.0
	var lobby := _lobby()
	var selected := _selected()
	_players.clear()
	_summary.text = _sentence(lobby)
	if lobby == null:
		_timeline.text = ""
		return
	var top := _players.create_item()
	for id: String in lobby.players:
		if id == lobby.own_id:
			continue
		var item := _players.create_item(top)
		item.set_metadata(0, id)
		var cells := _cells(lobby, id)
		for i in cells.size():
			item.set_text(i, cells[i])
		# The first one, unless the player has chosen another.
		if id == selected or top.get_child_count() == 1:
			item.select(0)
	_refresh_timeline()


## All that the panel shows, for a bug report: no addresses, and nothing that is secret.
func report() -> String:
	var lobby := _lobby()
	var engine: String = Engine.get_version_info().string
	var lines: Array[String] = ["Orion Edge in Godot %s, %s" % [engine, OS.get_name()], _sentence(lobby)]
	if lobby:
		for id: String in lobby.players:
			if id == lobby.own_id:
				continue
			var cells := _cells(lobby, id)
			lines.append("")
			for i in cells.size():
				lines.append("%s: %s" % [COLUMNS[i], cells[i]])
			if lobby.links.has(id):
				lines.append(lobby.links[id].report())
	return "\n".join(lines)


func _is_last() -> bool:
	return get_tree().get_nodes_in_group(GROUP).back() == self


## Leaves most of a small window to the game.
func _fit() -> void:
	%Panel.offset_top = -minf(HEIGHT, get_viewport().get_visible_rect().size.y * MOST_OF_HEIGHT)


func _lobby() -> OrionLobby:
	if _watched:
		return _watched
	var peer := _peer()
	return peer.lobby if peer else null


func _peer() -> OrionMultiplayerPeer:
	return multiplayer.multiplayer_peer as OrionMultiplayerPeer


func _sentence(lobby: OrionLobby) -> String:
	if lobby == null:
		return "There is no lobby."
	var role := "host" if lobby.host_id == lobby.own_id else "guest"
	var peer := _peer()
	var own := ", peer %d" % peer.get_unique_id() if peer and peer.lobby == lobby else ""
	return "Players: %d. Links: %d. You are the %s%s." % [lobby.players.size(), lobby.links.size(), role, own]


## One text for each of COLUMNS.
func _cells(lobby: OrionLobby, id: String) -> Array[String]:
	var player: OrionPlayer = lobby.players[id]
	var peer := _peer()
	var peer_id := peer.id_of(id) if peer and peer.lobby == lobby else 0
	var link: OrionLink = lobby.links.get(id)
	var cells: Array[String] = [player.display_name, str(peer_id) if peer_id else "", "", "", "", "", ""]
	if link == null:
		cells[2] = "none"
		return cells
	var loss := peer.loss_of(peer_id) if peer_id else -1.0
	cells[2] = link.path
	cells[3] = "%.0f ms" % link.round_trip_ms if link.round_trip_ms >= 0 else "?"
	cells[4] = "%.1f %%" % (100 * loss) if loss >= 0 else "?"
	cells[5] = "yes" if link.is_encrypted else "no"
	cells[6] = link.cause
	return cells


func _selected() -> String:
	var item := _players.get_selected()
	return item.get_metadata(0) if item else ""


func _refresh_timeline() -> void:
	var lobby := _lobby()
	var id := _selected()
	var lines: Array[String] = []
	if lobby and lobby.links.has(id):
		for entry: Dictionary in lobby.links[id].timeline:
			lines.append("%6d ms  %s" % [entry.at_ms, entry.event])
	_timeline.text = "\n".join(lines) if lines else "No link to this player."
