## A game for two windows: one hosts, the others join by its code, and all move about in one arena.
##
## Without a window, as in tests: [code]godot --headless --path godot -- --server URL --name Ada[/code], and for a guest
## [code]--join CODE[/code]. Such a player walks by itself, and prints what it sees. With [code]--until NAME[/code] it leaves when that player
## waves.
extends Control

const Player := preload("player.tscn")

var peer := OrionMultiplayerPeer.new()
var _until := ""
@onready var orion: OrionEdge = $OrionEdge
@onready var players: Node = $Arena/Players


func _ready() -> void:
	# When the host leaves, the game goes on with another.
	peer.migrates = true
	peer.ended.connect(_show_end)
	peer.host_lost.connect(func() -> void: _tell("The host is gone. Waiting for another ..."))
	peer.host_migrated.connect(_go_on)
	multiplayer.peer_connected.connect(_add)
	multiplayer.peer_disconnected.connect(_remove)
	multiplayer.connected_to_server.connect(func() -> void: _tell("Connected to the host."))
	%Host.pressed.connect(_host)
	%Join.pressed.connect(_join)
	%Code.text_submitted.connect(func(_code: String) -> void: _join())
	%Copy.pressed.connect(func() -> void: DisplayServer.clipboard_set(peer.lobby.code))
	%Wave.pressed.connect(func() -> void: wave.rpc("waves"))
	# Two windows of one machine must not have the same name: a lobby takes it once.
	%Name.text = "Player %d" % randi_range(1000, 9999)
	_play_by_command_line()


func _host() -> void:
	_enter(await peer.host(_server(), {"name": %Name.text}))


func _join() -> void:
	_enter(await peer.join(_server(), %Code.text, {"name": %Name.text}))


func _server() -> OrionEdge:
	%Menu.hide()
	_tell("One moment ...")
	orion.server_url = %Server.text
	return orion


func _enter(result: OrionResult) -> void:
	if not result.is_ok:
		_show_menu(result.message)
		return
	multiplayer.multiplayer_peer = peer
	%Wave.show()
	%Copy.show()
	%Invitation.show()
	%Invitation.text = "Code: %s" % result.lobby.code
	_tell("You are the host: tell your friends the code." if multiplayer.is_server() else "Waiting for the host ...")
	if multiplayer.is_server():
		_add(1)


## The host spawns a square for each player. The spawner does it at the others.
func _add(id: int) -> void:
	if not multiplayer.is_server() or players.has_node(str(id)):
		return
	var player := Player.instantiate()
	player.name = str(id)
	players.add_child(player)


func _remove(id: int) -> void:
	if multiplayer.is_server() and players.has_node(str(id)):
		players.get_node(str(id)).queue_free()


## There is another host. It begins a new arena, and its guests are connected a moment later.
func _go_on(is_own: bool) -> void:
	_tell("You are the host now." if is_own else "Another player is host now.")
	if is_own:
		for player in players.get_children():
			players.remove_child(player)
			player.queue_free()
		_add(1)


@rpc("any_peer", "call_local", "reliable")
func wave(how: String) -> void:
	var player := peer.player_of(multiplayer.get_remote_sender_id())
	_tell("%s %s." % [player.display_name if player else "Somebody", how.left(20)])
	if player and player.display_name == _until:
		peer.close()


func _show_end(code: String) -> void:
	for player in players.get_children():
		player.queue_free()
	_show_menu("The game is over: %s." % code)


func _show_menu(why: String) -> void:
	%Menu.show()
	%Wave.hide()
	%Copy.hide()
	%Invitation.hide()
	%Invitation.text = ""
	_tell(why)


func _tell(what: String) -> void:
	%Status.text = what
	if DisplayServer.get_name() == "headless":
		print(what)


func _play_by_command_line() -> void:
	var args := OS.get_cmdline_user_args()
	for i in range(0, args.size() - 1, 2):
		match args[i]:
			"--server":
				%Server.text = args[i + 1]
			"--name":
				%Name.text = args[i + 1]
			"--join":
				%Code.text = args[i + 1]
			"--until":
				_until = args[i + 1]
	if args.is_empty():
		return
	if args.has("--join"):
		await _join()
	else:
		await _host()
	print(%Invitation.text)
	if DisplayServer.get_name() == "headless":
		_walk()


func _walk() -> void:
	while peer.get_connection_status() != MultiplayerPeer.CONNECTION_DISCONNECTED:
		await get_tree().create_timer(0.5).timeout
		for player: Control in players.get_children():
			if player.is_multiplayer_authority():
				player.position = Vector2(randi() % 500, randi() % 300)
			else:
				print("sees %s at %d,%d" % [player.name, player.position.x, player.position.y])
		if peer.get_connection_status() == MultiplayerPeer.CONNECTION_CONNECTED:
			wave.rpc("waves")
