## Several players in one engine, each with a branch of the scene tree and a MultiplayerAPI of its own, over made-up links.
## Prints each scenario's name when it went well.
extends SceneTree

const Net := preload("made_up_lobby.gd")


class Mover:
	extends Node2D

	func _init(owner_id := 1) -> void:
		name = "Mover%d" % owner_id
		var config := SceneReplicationConfig.new()
		config.add_property(^".:position")
		var synchronizer := MultiplayerSynchronizer.new()
		synchronizer.name = "Synchronizer"
		synchronizer.replication_config = config
		add_child(synchronizer)
		set_multiplayer_authority(owner_id)


class World:
	extends Node
	var heard: Array = []
	var signals: Array = []
	var peer: OrionMultiplayerPeer
	var lobby: Net.Lobby
	var spawner := MultiplayerSpawner.new()

	func _init() -> void:
		var movers := Node.new()
		movers.name = "Movers"
		add_child(movers)
		spawner.name = "Spawner"
		spawner.spawn_path = ^"../Movers"
		spawner.spawn_function = func(id: int) -> Node: return Mover.new(id)
		add_child(spawner)

	func listen() -> void:
		multiplayer.peer_connected.connect(func(id: int) -> void: signals.append("+%d" % id))
		multiplayer.peer_disconnected.connect(func(id: int) -> void: signals.append("-%d" % id))
		multiplayer.connected_to_server.connect(func() -> void: signals.append("server"))
		multiplayer.server_disconnected.connect(func() -> void: signals.append("no server"))
		multiplayer.connection_failed.connect(func() -> void: signals.append("failed"))

	func mover(id: int) -> Node2D:
		return get_node_or_null("Movers/Mover%d" % id)

	@rpc("any_peer", "reliable")
	func say(what: Variant) -> void:
		heard.append([multiplayer.get_remote_sender_id(), what])

	@rpc("any_peer", "unreliable")
	func shout(what: Variant) -> void:
		heard.append([multiplayer.get_remote_sender_id(), what])

	@rpc("any_peer", "call_remote", "unreliable_ordered", 3)
	func count(number: int) -> void:
		heard.append([multiplayer.get_remote_sender_id(), number])

	@rpc("authority", "call_remote", "reliable", 7)
	func command(what: Variant) -> void:
		heard.append([multiplayer.get_remote_sender_id(), what])


var failures := 0


func _initialize() -> void:
	var scenarios: Array[Callable] = [star, mesh, large, ordered, ends, again, refusing, migration, migration, migration, handover, no_migration, hostile]
	Engine.max_fps = 200
	# The root is in the tree from the first frame on.
	await process_frame
	for scenario in scenarios:
		var before := failures
		await scenario.call()
		if failures == before:
			print("well: ", scenario.get_method())
		for world in root.get_children():
			var peer: OrionMultiplayerPeer = world.peer
			world.multiplayer.multiplayer_peer = null
			if peer:
				peer.close()
			world.free()
	quit(mini(failures, 1))


func check(is_so: bool, what: String) -> void:
	if not is_so:
		failures += 1
		print("not so: ", what)


func until(condition: Callable, what: String) -> void:
	var deadline := Time.get_ticks_msec() + 30_000
	while Time.get_ticks_msec() < deadline:
		if condition.call():
			return
		await process_frame
	check(false, what)


## A player in its branch. It is linked to those whom it is to be linked to.
func enter(net: Net, id: String, with_migration := false) -> World:
	var world := World.new()
	world.name = id
	root.add_child(world)
	set_multiplayer(SceneMultiplayer.new(), world.get_path())
	world.listen()
	world.lobby = net.add(id)
	world.peer = OrionMultiplayerPeer.new()
	world.peer.migrates = with_migration
	world.peer._begin(world.lobby, false)
	world.multiplayer.multiplayer_peer = world.peer
	net.start(id)
	return world


func id_of(world: World) -> int:
	return world.multiplayer.get_unique_id()


func star() -> void:
	var net := Net.new()
	net.loss = 0.2
	var ada := enter(net, "ada")
	var bo := enter(net, "bo")
	var cy := enter(net, "cy")
	check(bo.peer.get_connection_status() == MultiplayerPeer.CONNECTION_CONNECTING, "a guest connects at first")
	await until(func() -> bool: return bo.multiplayer.get_peers().size() == 2, "guests know each other through the host")
	await until(func() -> bool: return cy.multiplayer.get_peers().size() == 2, "both do")
	check(id_of(ada) == 1 and ada.multiplayer.is_server(), "the host is 1")
	check(id_of(bo) > 1 and id_of(cy) > 1 and id_of(bo) != id_of(cy), "guests have ids")
	check(bo.signals.slice(0, 2) == ["server", "+1"], "the server comes first: %s" % [bo.signals])
	for world: World in [ada, bo, cy]:
		check(world.peer.id_of("bo") == id_of(bo), "all agree on ids")
		check(world.peer.player_of(id_of(cy)).id == "cy", "and on players")
	bo.say.rpc("to all")
	bo.say.rpc_id(id_of(cy), "to cy")
	ada.command.rpc("from the host")
	await until(func() -> bool: return cy.heard.size() == 3 and ada.heard.size() == 1, "calls arrive")
	check(cy.heard.has([id_of(bo), "to all"]) and cy.heard.has([id_of(bo), "to cy"]), "with their sender")
	check(cy.heard.has([1, "from the host"]), "the host's too")
	ada.spawner.spawn(id_of(bo))
	await until(func() -> bool: return bo.mover(id_of(bo)) != null and cy.mover(id_of(bo)) != null, "a spawner spawns")
	# A newcomer.
	var di := enter(net, "di")
	await until(func() -> bool: return di.mover(id_of(bo)) != null, "a newcomer sees what was spawned before")
	for i in 20:
		bo.mover(id_of(bo)).position = Vector2(i, 7)
		await process_frame
	await until(func() -> bool: return di.mover(id_of(bo)).position == Vector2(19, 7), "a synchronizer synchronizes")
	var cy_id := id_of(cy)
	net.remove("cy")
	await until(func() -> bool: return bo.signals.back() == "-%d" % cy_id, "a player who leaves is gone for all")


func mesh() -> void:
	var net := Net.new()
	net.topology = "mesh"
	net.loss = 0.2
	var worlds: Array[World] = []
	for id: String in ["ada", "bo", "cy", "di"]:
		worlds.append(enter(net, id))
	for world in worlds:
		await until(func() -> bool: return world.multiplayer.get_peers().size() == 3, "everybody is connected to everybody")
	check(not worlds[1].peer.is_server_relay_supported(), "without the host between them")
	worlds[1].say.rpc("to all")
	for i: int in [0, 2, 3]:
		await until(func() -> bool: return worlds[i].heard == [[id_of(worlds[1]), "to all"]], "all hear it")


func large() -> void:
	var net := Net.new()
	var ada := enter(net, "ada")
	var bo := enter(net, "bo")
	await until(func() -> bool: return bo.multiplayer.get_peers().size() == 1, "connected")
	var bytes := PackedByteArray()
	bytes.resize(300_000)
	bytes[299_999] = 7
	ada.say.rpc(bytes)
	await until(func() -> bool: return bo.heard.size() == 1 and bo.heard[0][1] == bytes, "a large packet arrives")
	bytes.resize(3000)
	bytes[2999] = 8
	ada.shout.rpc(bytes)
	await until(func() -> bool: return bo.heard.size() == 2 and bo.heard[1][1] == bytes, "one of three pieces, too")
	bytes.resize(5000)
	ada.shout.rpc(bytes)
	bytes.resize(1_100_000)
	ada.say.rpc(bytes)
	ada.say.rpc("after")
	await until(func() -> bool: return bo.heard.size() == 3, "what is too large is refused")
	check(bo.heard.back() == [1, "after"], "and nothing else is")


func ordered() -> void:
	var net := Net.new()
	var ada := enter(net, "ada")
	var bo := enter(net, "bo")
	await until(func() -> bool: return bo.multiplayer.get_peers().size() == 1, "connected")
	ada.count.rpc(-1)
	await until(func() -> bool: return bo.heard.size() == 1, "the path is known")
	bo.heard.clear()
	for i in 20:
		ada.count.rpc(i)
	# The flights are shuffled: what was overtaken does not arrive.
	net.flying.reverse()
	await process_frame
	await process_frame
	check(bo.heard == [[1, 19]], "an ordered packet that was overtaken is dropped: %s" % [bo.heard])
	var ends := [ada.peer, bo.peer]
	ends[0].set_target_peer(id_of(bo))
	ends[0].transfer_channel = 9
	ends[0].transfer_mode = MultiplayerPeer.TRANSFER_MODE_UNRELIABLE_ORDERED
	ends[0].put_packet(PackedByteArray([1, 2, 3]))
	net.deliver()
	ends[1]._advance()
	check(ends[1].get_packet_channel() == 9 and ends[1].get_packet_peer() == 1, "a packet has its channel")
	check(ends[1].get_packet_mode() == MultiplayerPeer.TRANSFER_MODE_UNRELIABLE_ORDERED, "and its mode")
	check(ends[1].get_packet() == PackedByteArray([1, 2, 3]), "and its bytes")
	ends[0].transfer_channel = 256
	check(ends[0].put_packet(PackedByteArray([1])) == ERR_INVALID_PARAMETER, "there are 256 channels")


func ends() -> void:
	var net := Net.new()
	var ada := enter(net, "ada")
	var bo := enter(net, "bo")
	var cy := enter(net, "cy")
	await until(func() -> bool: return bo.multiplayer.get_peers().size() == 2, "connected")
	await until(func() -> bool: return cy.multiplayer.get_peers().size() == 2, "connected, both")
	var bo_id := id_of(bo)
	ada.say.rpc_id(bo_id, "farewell")
	await until(func() -> bool: return bo.heard.size() == 1, "a last word")
	ada.peer.disconnect_peer(bo_id)
	await until(func() -> bool: return bo.signals.back() == "no server", "a player that was disconnected hears it")
	await until(func() -> bool: return ada.signals.back() == "-%d" % bo_id, "the host does")
	await until(func() -> bool: return cy.signals.back() == "-%d" % bo_id, "and the others")
	check(not net.members.has("bo"), "it is not in the lobby any more")
	var cy_id := id_of(cy)
	ada.peer.disconnect_peer(cy_id, true)
	await process_frame
	check(ada.signals.back() == "-%d" % bo_id, "by force nobody is told")


func again() -> void:
	var net := Net.new()
	enter(net, "ada")
	var bo := enter(net, "bo")
	await until(func() -> bool: return bo.multiplayer.get_peers().size() == 1, "connected")
	var peer := bo.peer
	peer.close()
	check(peer.get_connection_status() == MultiplayerPeer.CONNECTION_DISCONNECTED, "closed at once")
	await until(func() -> bool: return bo.signals.back() == "no server", "the engine knows")
	net.remove("bo")
	# The same object, in another lobby.
	var other := Net.new()
	enter(other, "eve")
	bo.lobby = other.add("bo")
	peer._begin(bo.lobby, false)
	other.start("bo")
	await until(func() -> bool: return bo.signals.slice(-2) == ["server", "+1"], "the same peer joins again")
	bo.say.rpc_id(1, "again")
	await until(func() -> bool: return root.get_node("eve").heard.size() == 1, "and plays")


func refusing() -> void:
	var net := Net.new()
	var ada := enter(net, "ada")
	ada.multiplayer.multiplayer_peer.refuse_new_connections = true
	var bo := enter(net, "bo")
	await until(func() -> bool: return bo.signals == ["failed"], "a host that refuses newcomers refuses them")
	check(ada.signals.is_empty(), "and is told nothing")


func migration() -> void:
	var net := Net.new()
	net.loss = 0.1
	var ada := enter(net, "ada", true)
	var bo := enter(net, "bo", true)
	var cy := enter(net, "cy", true)
	for world: World in [ada, bo, cy]:
		await until(func() -> bool: return world.multiplayer.get_peers().size() == 2, "connected")
	var migrated: Array = []
	bo.peer.host_migrated.connect(func(is_own: bool) -> void: migrated.append(["bo", is_own]))
	cy.peer.host_migrated.connect(func(is_own: bool) -> void: migrated.append(["cy", is_own]))
	ada.spawner.spawn(id_of(cy))
	await until(func() -> bool: return cy.mover(id_of(cy)) != null, "spawned")
	var cy_id := id_of(cy)
	var bo_id := id_of(bo)
	ada.peer.close()
	net.remove("ada")
	await until(func() -> bool: return migrated.size() == 2, "another player is host")
	check(migrated == [["bo", true], ["cy", false]], "the game is told who: %s" % [migrated])
	check(id_of(bo) == 1 and bo.multiplayer.is_server() and id_of(cy) == cy_id, "the new host is 1, others keep their ids")
	await until(func() -> bool: return cy.multiplayer.get_peers() == PackedInt32Array([1]), "they are connected")
	check(not cy.signals.has("no server") and not bo.signals.has("no server"), "nobody is without a server")
	check(cy.signals.has("-1") and cy.signals.has("-%d" % bo_id), "who it was is gone")
	await process_frame
	check(cy.mover(cy_id) == null, "what the old host has spawned is gone")
	bo.spawner.spawn(cy_id)
	await until(func() -> bool: return cy.mover(cy_id) != null, "the new host spawns")
	cy.mover(cy_id).position = Vector2(3, 4)
	await until(func() -> bool: return bo.mover(cy_id).position == Vector2(3, 4), "and synchronizes")
	bo.command.rpc("as host")
	cy.say.rpc_id(1, "as guest")
	await until(func() -> bool: return cy.heard == [[1, "as host"]] and bo.heard == [[cy_id, "as guest"]], "and calls")
	# The last one goes, and nobody is left to be host.
	bo.peer.migration_timeout_s = 0.1
	cy.peer.migration_timeout_s = 0.1
	net.members["bo"].links["cy"].close()
	await until(func() -> bool: return cy.signals.back() == "no server", "a migration that fails ends the game")


func handover() -> void:
	var net := Net.new()
	net.topology = "mesh"
	net.loss = 0.1
	var ada := enter(net, "ada", true)
	var bo := enter(net, "bo", true)
	var cy := enter(net, "cy", true)
	var worlds: Array[World] = [ada, bo, cy]
	for to: String in ["bo", "ada", "cy", "ada"]:
		for world in worlds:
			await until(func() -> bool: return world.multiplayer.get_peers().size() == 2, "connected for %s" % to)
		net.make_host(to)
		var host: World = root.get_node(to)
		await until(func() -> bool: return id_of(host) == 1, "%s is host" % to)
		for world in worlds:
			await until(func() -> bool: return world.multiplayer.get_peers().size() == 2 and (world == host or world.multiplayer.get_peers().has(1)), "all are connected to %s" % to)
			world.heard.clear()
		host.command.rpc(to)
		for world in worlds:
			if world != host:
				await until(func() -> bool: return world.heard == [[1, to]], "%s commands" % to)


func no_migration() -> void:
	var net := Net.new()
	var ada := enter(net, "ada")
	var bo := enter(net, "bo")
	await until(func() -> bool: return bo.multiplayer.get_peers().size() == 1, "connected")
	var codes: Array = []
	bo.peer.ended.connect(func(code: String) -> void: codes.append(code))
	ada.peer.close()
	net.remove("ada")
	await until(func() -> bool: return bo.signals.back() == "no server", "without migration the game ends")
	check(codes == ["host_lost"], "once, and says why: %s" % [codes])
	# Nobody answers.
	var lonely := Net.new()
	lonely.add("nobody")
	var di := enter(lonely, "di")
	di.peer._wait(0.05, "no_host")
	await until(func() -> bool: return di.signals.back() == "failed" if di.signals else false, "who is never connected is told")


func hostile() -> void:
	var net := Net.new()
	var ada := enter(net, "ada")
	var bo := enter(net, "bo")
	await until(func() -> bool: return bo.multiplayer.get_peers().size() == 1, "connected")
	var link: Net.Link = net.members["bo"].links["ada"]
	var random := RandomNumberGenerator.new()
	for i in 300:
		var bytes := PackedByteArray()
		for j in random.randi_range(0, 40):
			bytes.append(random.randi_range(0, 7) if j < 7 else random.randi() & 255)
		link.send(bytes)
		link.send_segment(bytes)
	for words: Variant in [[], {"hello": 3}, {"hello": "x", "epoch": "y"}, {"ids": {"bo": 1}}, {"ids": 4}, {"refused": 1}]:
		bo.peer._connections["ada"].tell({"words": words} if words is Array else words)
	for i in 20:
		await process_frame
	check(ada.peer.get_connection_status() == MultiplayerPeer.CONNECTION_CONNECTED, "the host is not impressed")
	# A host that gives itself another's id.
	ada.peer._connections["bo"].tell({"ids": {"ada": 5, "bo": 1}})
	await until(func() -> bool: return bo.signals.back() == "no server", "a host that says what none may say is left")
