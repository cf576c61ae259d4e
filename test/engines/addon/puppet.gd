extends SceneTree
## A program with players of the addon, that does what a test tells it over TCP:
##   godot --headless --path . --script res://tests/puppet.gd -- <port>
## Each line is JSON. A command has an id, which its answer has too; what happens is told as an event.

const Message := preload("res://addons/orion_edge/wire/message.gd")
const MissedLinks := preload("res://addons/orion_edge/link/missed_links.gd")

var _tcp := StreamPeerTCP.new()
var _unread := PackedByteArray()
## By name: the server as a player knows it, and its lobby.
var _edges: Dictionary[String, OrionEdge] = {}
var _lobbies: Dictionary[String, OrionLobby] = {}
## By the player's name and the peer's id: packets that came.
var _packets: Dictionary[String, int] = {}
## By name: where a player's game is, once it plays.
var _branches: Dictionary[String, Branch] = {}
var _longest_frame_ms := 0.0


class Branch:
	extends Node

	signal said(from: int, text: String)

	@rpc("any_peer", "reliable")
	func say(text: String) -> void:
		said.emit(multiplayer.get_remote_sender_id(), text)


func _initialize() -> void:
	_tcp.connect_to_host("127.0.0.1", int(OS.get_cmdline_user_args()[0]))


func _process(delta: float) -> bool:
	_longest_frame_ms = maxf(_longest_frame_ms, delta * 1000.0)
	_tcp.poll()
	if _tcp.get_status() not in [StreamPeerTCP.STATUS_CONNECTING, StreamPeerTCP.STATUS_CONNECTED]:
		return true
	if _tcp.get_available_bytes() > 0:
		_unread.append_array(_tcp.get_data(_tcp.get_available_bytes())[1])
	var end := _unread.find(10)
	while end >= 0:
		var line := _unread.slice(0, end).get_string_from_utf8()
		_unread = _unread.slice(end + 1)
		_obey(JSON.parse_string(line))
		end = _unread.find(10)
	return false


func _obey(command: Dictionary) -> void:
	var who: String = command.get("who", "")
	var arguments: Array = command.get("args", [])
	var answer: Variant = null
	match command.do:
		"new":
			var edge := OrionEdge.new()
			edge.server_url = command.url
			edge.uses_udp = command.get("uses_udp", true)
			if command.has("trusts"):
				var authority := X509Certificate.new()
				authority.load_from_string(command.trusts)
				edge.tls_options = TLSOptions.client(authority)
			_edges[who] = edge
			root.add_child(edge)
		"edge":
			var result: OrionResult = await _edges[who].callv(command.method, arguments)
			if result.lobby:
				_lobbies[who] = result.lobby
				_listen(who, result.lobby)
			answer = _told(result)
		"lobby":
			var result: Variant = await _lobbies[who].callv(command.method, arguments)
			answer = _told(result) if result is OrionResult else result
		"bytes":
			var result: OrionResult = await _lobbies[who].save_snapshot(str(command.text).to_utf8_buffer())
			answer = _told(result)
		"look":
			answer = _look(who)
		"send":
			answer = _send(who, command)
		"link":
			answer = _lobbies[who].links[command.to].callv(command.method, arguments)
		"packets":
			answer = _packets.duplicate()
		"block":
			OS.delay_msec(int(command.ms))
		"pause":
			paused = command.paused
		"free":
			_edges[who].queue_free()
			_edges.erase(who)
		"break":
			# The connection is lost: the socket closes, and nobody has left.
			_lobbies[who]._session._connection.drop()
		"frame":
			answer = _longest_frame_ms
			_longest_frame_ms = 0.0
		"bench":
			answer = await _bench(command)
		"peer":
			answer = _play(who, command.get("migrates", false))
		"call":
			_branches[who].say.rpc(command.text)
		"misses":
			answer = _misses(command)
		"conform":
			var player := ConformancePlayer.new()
			player.name = who
			root.add_child(player)
			player.play(command.url, command.level, command.role, command.code)
		"part":
			root.get_node(who).queue_free()
		"quit":
			quit(0)
	_say({"id": command.id, "answer": answer})


## A branch of the tree with a multiplayer of its own, over the links of the player's lobby.
func _play(who: String, migrates: bool) -> int:
	var branch := Branch.new()
	root.add_child(branch)
	_branches[who] = branch
	var api := SceneMultiplayer.new()
	set_multiplayer(api, branch.get_path())
	branch.said.connect(func(from: int, text: String) -> void: _tell(who, "said", [from, text]))
	for name: String in ["peer_connected", "peer_disconnected"]:
		api.connect(name, func(id: int) -> void: _tell(who, name, [id]))
	for name: String in ["connected_to_server", "connection_failed", "server_disconnected"]:
		api.connect(name, func() -> void: _tell(who, name, []))
	var peer := OrionMultiplayerPeer.of(_lobbies[who], migrates)
	peer.host_lost.connect(func() -> void: _tell(who, "host_lost", []))
	peer.host_migrated.connect(func(is_own: bool) -> void: _tell(who, "host_migrated", [is_own]))
	peer.ended.connect(func(code: String) -> void: _tell(who, "ended", [code]))
	api.multiplayer_peer = peer
	return peer.get_unique_id()


func _send(who: String, command: Dictionary) -> Array:
	var link := _lobbies[who].links[command.to] if _lobbies[who].links.has(command.to) else null
	if link == null:
		return [ERR_DOES_NOT_EXIST]
	var errors := {}
	var packet := str(command.get("text", "")).to_utf8_buffer()
	if command.has("bytes"):
		packet.resize(int(command.bytes))
	for i in int(command.get("count", 1)):
		var error := link.send(packet)
		errors[error] = errors.get(error, 0) + 1
	return errors.keys()


func _look(who: String) -> Dictionary:
	var lobby := _lobbies[who]
	var players := {}
	for player: OrionPlayer in lobby.players.values():
		players[player.id] = {"name": player.name, "display_name": player.display_name, "is_host": player.is_host, "is_self": player.is_self}
		players[player.id].merge({"is_ready": player.is_ready, "is_away": player.is_away, "data": player.data, "is_linked": player.link != null})
	var links := {}
	for id: String in lobby.links:
		var link := lobby.links[id]
		links[id] = {"path": link.path, "kind": link.path_kind, "cause": link.cause, "is_encrypted": link.is_encrypted}
		links[id].merge({"safety_code": link.safety_code, "round_trip_ms": link.round_trip_ms, "dropped": link.dropped()})
		links[id]["report"] = link.report()
	var told := {"code": lobby.code, "own_id": lobby.own_id, "own_name": lobby.own_name, "host_id": lobby.host_id}
	told.merge({"is_host": lobby.is_host(), "term": lobby.term, "data": lobby.data, "title": lobby.title, "is_locked": lobby.is_locked})
	told.merge({"close_message": lobby.close_message, "was_banned": lobby.was_banned, "bans": lobby.bans, "return_key": lobby.return_key()})
	told.merge({"has_password": lobby.has_password, "phase": lobby.phase, "close_code": lobby.close_code, "players": players, "links": links})
	return told


func _listen(who: String, lobby: OrionLobby) -> void:
	for about in lobby.get_signal_list():
		var name: String = about.name
		if name == "link_opened":
			lobby.link_opened.connect(_listen_to_link.bind(who, lobby))
		match about.args.size():
			0:
				lobby.connect(name, func() -> void: _tell(who, name, []))
			1:
				lobby.connect(name, func(a: Variant) -> void: _tell(who, name, [a]))
			2:
				lobby.connect(name, func(a: Variant, b: Variant) -> void: _tell(who, name, [a, b]))
			4:
				lobby.connect(name, func(a: Variant, b: Variant, c: Variant, d: Variant) -> void: _tell(who, name, [a, b, c, d]))


func _listen_to_link(id: String, who: String, lobby: OrionLobby) -> void:
	var place := "%s %s" % [who, id]
	lobby.links[id].packet_received.connect(
		func(packet: PackedByteArray) -> void:
			_packets[place] = _packets.get(place, 0) + 1
			# The engine's own are no texts.
			if packet.size() < 100 and packet.find(0) < 0:
				_tell(who, "packet", [id, packet.get_string_from_utf8()])
	)


## Microseconds for a packet that is sent and one that is received, with all that the addon does for it, over the direct links there are.
func _bench(command: Dictionary) -> Dictionary:
	var sender := _lobbies[command.from]
	var packet := PackedByteArray()
	packet.resize(int(command.bytes))
	var sent_us := 0
	var polled_us := 0
	var before := 0
	for count: int in _packets.values():
		before += count
	var rounds := int(command.rounds)
	for i in rounds:
		var begun := Time.get_ticks_usec()
		for link: OrionLink in sender.links.values():
			link.send(packet)
		sent_us += Time.get_ticks_usec() - begun
		begun = Time.get_ticks_usec()
		for lobby: OrionLobby in _lobbies.values():
			lobby._poll()
		polled_us += Time.get_ticks_usec() - begun
		if i % 30 == 29:
			await process_frame
	await create_timer(0.2).timeout
	var received := -before
	for count: int in _packets.values():
		received += count
	return {"sent": rounds * sender.links.size(), "received": received, "send_us": sent_us, "poll_us": polled_us}


## When a player who has lost a link asks for it, in this many milliseconds of a made-up clock, and in as many again once there is a link.
func _misses(command: Dictionary) -> Array[float]:
	var asked: Array[float] = []
	# Of the lambdas, which take copies of numbers.
	var clock := {"now": 0.0, "miss": MissedLinks.Miss[command.first]}
	var ask := func(_peers: Array[String]) -> void: asked.append(clock.now)
	var missed := MissedLinks.new(ask, func(_peer: String) -> MissedLinks.Miss: return clock.miss)
	missed.add("bo", 0.0)
	for miss: String in [command.first, command.then]:
		clock.miss = MissedLinks.Miss[miss]
		for i in int(command.ms) / 100:
			clock.now += 100.0
			missed.poll(clock.now)
	return asked


func _told(result: OrionResult) -> Dictionary:
	var told := {"is_ok": result.is_ok, "code": result.code, "message": result.message, "status": result.status}
	told.merge({"lobbies": result.lobbies, "links": result.links.size(), "version": result.version})
	told["text"] = result.bytes.get_string_from_utf8()
	told.merge({"was_created": result.was_created, "cursor": result.cursor})
	if result.lobby:
		told.merge({"lobby": result.lobby.code, "own_id": result.lobby.own_id, "return_key": result.lobby.return_key()})
	return told


func _tell(who: String, event: String, arguments: Array) -> void:
	_say({"who": who, "event": event, "args": arguments.map(_plain)})


func _plain(value: Variant) -> Variant:
	return value.id if value is OrionPlayer else value


func _say(what: Dictionary) -> void:
	_tcp.put_data((Message.to_json(what) + "\n").to_utf8_buffer())
