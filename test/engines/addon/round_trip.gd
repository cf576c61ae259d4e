## Measures how long a call and its answer take between two processes, over ENet and over a link.
## Arguments: enet or orion; the port or the server's URL; frames a second (0: as many as can be); for a guest the code, or "guest".
extends SceneTree

const ROUNDS := 100


class Echo:
	extends Node
	signal answered

	@rpc("any_peer", "reliable")
	func ask(what: int) -> void:
		answer.rpc_id(multiplayer.get_remote_sender_id(), what)

	@rpc("any_peer", "reliable")
	func answer(_what: int) -> void:
		answered.emit()


func _initialize() -> void:
	await process_frame
	var args := OS.get_cmdline_user_args()
	Engine.max_fps = int(args[2])
	var echo := Echo.new()
	echo.name = "Echo"
	root.add_child(echo)
	var is_guest := args.size() > 3
	echo.multiplayer.multiplayer_peer = await enet(args) if args[0] == "enet" else await orion(args)
	if not is_guest:
		return
	await echo.multiplayer.connected_to_server
	if args[0] == "orion":
		# The link begins on a relay, and moves.
		var peer: OrionMultiplayerPeer = echo.multiplayer.multiplayer_peer
		while peer.link_of(1) == null or peer.link_of(1).path != "direct":
			await process_frame
	var times: Array[int] = []
	var sum := 0
	for i in ROUNDS + 20:
		var begun := Time.get_ticks_usec()
		echo.ask.rpc_id(1, i)
		await echo.answered
		if i >= 20:
			times.append(Time.get_ticks_usec() - begun)
			sum += times.back()
	times.sort()
	print("median ", times[ROUNDS / 2], " mean ", sum / ROUNDS)
	quit()


func enet(args: PackedStringArray) -> MultiplayerPeer:
	var peer := ENetMultiplayerPeer.new()
	if args.size() > 3:
		peer.create_client("127.0.0.1", int(args[1]))
	else:
		peer.create_server(int(args[1]))
		print("code guest")
	return peer


func orion(args: PackedStringArray) -> MultiplayerPeer:
	var edge := OrionEdge.new()
	edge.server_url = args[1]
	root.add_child(edge)
	var peer := OrionMultiplayerPeer.new()
	var result: OrionResult
	if args.size() > 3:
		result = await peer.join(edge, args[3], {"name": "Bo"})
	else:
		result = await peer.host(edge, {"name": "Ada"})
		print("code ", result.lobby.code if result.is_ok else result.message)
	return peer
