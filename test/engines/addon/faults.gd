extends SceneTree
## What a game does to its peer at bad moments, over a real server: faults.gd -- <server's URL>. Prints "ok" and the name of each step that went well.

const PATIENCE_MS := 40_000
## Bytes of a packet of the step "many".
const BYTES := 100
## Frames after the beginning of a request, at which the peer is closed or freed.
const MOMENTS: Array[int] = [0, 1, 2, 4, 8, 16, 32, 64]

var _failures := 0
var _names := 0


class Place:
	extends Node
	var orion := OrionEdge.new()
	var peer := OrionMultiplayerPeer.new()
	var heard: Array[int] = []

	func _init(url: String) -> void:
		orion.server_url = url
		add_child(orion)

	@rpc("any_peer", "unreliable")
	func shout(number: int, _filling: PackedByteArray) -> void:
		heard.append(number)

	@rpc("any_peer", "reliable")
	func say(number: int) -> void:
		heard.append(number)


func _initialize() -> void:
	Engine.max_fps = 60
	await process_frame
	for step: Callable in [many, over_limits, paused_and_late, close_at_any_moment, freed_at_any_moment]:
		var before := _failures
		await step.call()
		for place in root.get_children():
			place.free()
		if _failures == before:
			print("ok ", step.get_method())
	quit(mini(_failures, 1))


func check(is_so: bool, what: String) -> void:
	if not is_so:
		_failures += 1
		print("not so: ", what)


func until(condition: Callable, what: String) -> void:
	var deadline := Time.get_ticks_msec() + PATIENCE_MS
	while not condition.call():
		if Time.get_ticks_msec() > deadline:
			check(false, what)
			return
		await process_frame


func frames(count: int) -> void:
	for i in count:
		await process_frame


func place() -> Place:
	var made := Place.new(OS.get_cmdline_user_args()[0])
	_names += 1
	made.name = "Place%d" % _names
	root.add_child(made)
	set_multiplayer(SceneMultiplayer.new(), made.get_path())
	return made


## Two who play.
func pair() -> Array[Place]:
	var both: Array[Place] = [place(), place()]
	var hosted := await both[0].peer.host(both[0].orion, {"name": "Ada"})
	check(hosted.is_ok, "hosted: %s" % hosted)
	both[0].multiplayer.multiplayer_peer = both[0].peer
	var joined := await both[1].peer.join(both[1].orion, hosted.lobby.code, {"name": "Bo"})
	check(joined.is_ok, "joined: %s" % joined)
	both[1].multiplayer.multiplayer_peer = both[1].peer
	await until(func() -> bool: return both.all(func(one: Place) -> bool: return one.multiplayer.get_peers().size() == 1), "connected")
	return both


## 2 000 packets in one frame: some come, and the game goes on.
func many() -> void:
	var both := await pair()
	var filling := PackedByteArray()
	filling.resize(BYTES)
	for i in 2_000:
		both[0].shout.rpc(i, filling)
	both[0].say.rpc(-1)
	await until(func() -> bool: return both[1].heard.has(-1), "the game goes on")
	check(both[1].heard.size() > 100, "some come: %d" % both[1].heard.size())


func over_limits() -> void:
	var both := await pair()
	var peer := both[0].peer
	peer.set_target_peer(both[1].multiplayer.get_unique_id())
	var packet := PackedByteArray()
	for limit: Array in [[MultiplayerPeer.TRANSFER_MODE_UNRELIABLE, 4_776], [MultiplayerPeer.TRANSFER_MODE_RELIABLE, 1_048_576]]:
		peer.transfer_mode = limit[0]
		packet.resize(limit[1])
		check(peer.put_packet(packet) == OK, "a packet of %d bytes is taken" % limit[1])
		packet.resize(limit[1] + 1)
		check(peer.put_packet(packet) == ERR_INVALID_PARAMETER, "one more is refused")
	packet.resize(1_048_576)
	var taken := 0
	while taken < 10 and peer.put_packet(packet) == OK:
		taken += 1
	check(taken <= 3, "4 MiB wait at most: %d" % taken)


## A paused tree, and frames of 2 s on both sides.
func paused_and_late() -> void:
	var both := await pair()
	paused = true
	await frames(30)
	both[1].say.rpc(1)
	await until(func() -> bool: return both[0].heard.has(1), "a paused tree hears")
	paused = false
	OS.delay_msec(2_000)
	both[0].say.rpc(2)
	await until(func() -> bool: return both[1].heard.has(2), "so does one that was late")
	check(both[0].multiplayer.get_peers().size() == 1, "nobody is gone")


## Closed so many frames after the beginning; the same peer then joins, and plays.
func close_at_any_moment() -> void:
	var host := place()
	var hosted := await host.peer.host(host.orion, {"name": "Ada", "max_players": 16})
	check(hosted.is_ok, "hosted: %s" % hosted)
	host.multiplayer.multiplayer_peer = host.peer
	for moment in MOMENTS:
		var guest := place()
		var results: Array[OrionResult] = []
		var enter := func() -> void:
			results.append(await guest.peer.join(guest.orion, hosted.lobby.code, {"name": "Bo %d" % moment}))
			if results[0].is_ok:
				guest.multiplayer.multiplayer_peer = guest.peer
		enter.call()
		await frames(moment)
		guest.peer.close()
		check(guest.peer.get_connection_status() == MultiplayerPeer.CONNECTION_DISCONNECTED, "closed after %d frames" % moment)
		await until(func() -> bool: return results.size() == 1, "the request of %d frames ends" % moment)
		check(results[0].is_ok or results[0].code == "closed", "and says why: %s" % results[0])
	await until(func() -> bool: return hosted.lobby.players.size() == 1, "all have left")
	var last := place()
	var joined := await last.peer.join(last.orion, hosted.lobby.code, {"name": "Cy"})
	check(joined.is_ok, "another joins: %s" % joined)
	last.multiplayer.multiplayer_peer = last.peer
	await until(func() -> bool: return last.multiplayer.get_peers().size() == 1, "and is connected")
	last.say.rpc(7)
	await until(func() -> bool: return host.heard.has(7), "and plays")
	# The host closes, at a moment of the link, and of the opening.
	host.peer.close()
	await until(func() -> bool: return last.multiplayer.multiplayer_peer.get_connection_status() == MultiplayerPeer.CONNECTION_DISCONNECTED, "the game is over")
	for moment in MOMENTS:
		host.peer.host(host.orion, {"name": "Ada"})
		await frames(moment)
		host.peer.close()
		host.orion.close()


## The peer object, or the whole place, is freed while a request is under way.
func freed_at_any_moment() -> void:
	for moment in MOMENTS:
		var lone := place()
		lone.peer.host(lone.orion, {"name": "Ada"})
		await frames(moment)
		lone.peer = null
		await frames(2)
		lone.queue_free()
		await frames(2)
