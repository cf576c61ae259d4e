## Lobbies and links without a server and without sockets: what one member sends, another gets in the next frame, or not at all.
extends RefCounted

var topology := "star"
## A part of 1.
var loss := 0.0
var members: Dictionary[String, Lobby] = {}
var host_id := ""
var term := 1
var random := RandomNumberGenerator.new()
var flying: Array[Callable] = []


class Lobby:
	signal player_left(player: OrionPlayer, was_kicked: bool)
	signal host_changed(player: OrionPlayer, term: int)
	signal link_opened(id: String)
	signal link_closed(id: String, cause: String)
	signal closed(code: String)

	var net
	var own_id := ""
	var host_id := ""
	var term := 1
	var topology := ""
	var players: Dictionary[String, OrionPlayer] = {}
	var links: Dictionary[String, Link] = {}

	func _poll() -> void:
		net.deliver()

	func kick(id: String) -> void:
		net.remove(id, "kicked")


class Link:
	signal packet_received(packet: PackedByteArray)
	signal segment_received(segment: PackedByteArray)
	signal path_changed(path: String)

	var net
	var lobby: Lobby
	var other: Link
	var peer_id := ""
	var path_kind := "direct"
	var round_trip_ms := -1.0
	var is_up := true

	func is_open() -> bool:
		return is_up

	func send(packet: PackedByteArray) -> Error:
		return _carry(packet, packet_received.get_name())

	func send_segment(segment: PackedByteArray) -> Error:
		return _carry(segment, segment_received.get_name())

	func close() -> void:
		for end: Link in [self, other]:
			if end.is_up:
				end.is_up = false
				end.lobby.links.erase(end.peer_id)
				end.lobby.link_closed.emit(end.peer_id, "")

	func _carry(packet: PackedByteArray, as_signal: StringName) -> Error:
		assert(packet.size() <= OrionLink.MOST_BYTES)
		if not is_up:
			return ERR_UNAVAILABLE
		if net.random.randf() >= net.loss:
			var to := other
			net.flying.append(func() -> void: if to.is_up: to.emit_signal(as_signal, packet))
		return OK


func deliver() -> void:
	var arrived := flying
	flying = []
	for arrival in arrived:
		arrival.call()


func add(id: String) -> Lobby:
	var lobby := Lobby.new()
	lobby.net = self
	lobby.topology = topology
	if host_id.is_empty():
		host_id = id
	members[id] = lobby
	lobby.own_id = id
	for each: String in members:
		members[each].players[id] = player(id)
		lobby.players[each] = player(each)
	_tell_host()
	return lobby


## Links it to those whom the topology has it linked to.
func start(id: String) -> void:
	for each: String in members:
		if each != id and not members[id].links.has(each) and (topology == "mesh" or host_id in [id, each]):
			_link(members[id], members[each])


func remove(id: String, code := "left") -> void:
	if not members.has(id):
		return
	var lobby := members[id]
	members.erase(id)
	for link: Link in lobby.links.values():
		link.close()
	lobby.closed.emit(code)
	for each: Lobby in members.values():
		var gone: OrionPlayer = each.players[id]
		each.players.erase(id)
		each.player_left.emit(gone, code == "kicked")
	if id == host_id and not members.is_empty():
		make_host(members.keys()[0])


func make_host(id: String) -> void:
	host_id = id
	term += 1
	_tell_host()
	for each: Lobby in members.values():
		each.host_changed.emit(each.players[id], term)
	start(id)


func player(id: String) -> OrionPlayer:
	var made := OrionPlayer.new()
	made.id = id
	return made


func _tell_host() -> void:
	for each: Lobby in members.values():
		each.host_id = host_id
		each.term = term


func _link(a: Lobby, b: Lobby) -> void:
	var one := Link.new()
	var two := Link.new()
	for pair in [[one, two, a, b], [two, one, b, a]]:
		var link: Link = pair[0]
		link.net = self
		link.other = pair[1]
		link.lobby = pair[2]
		link.peer_id = pair[3].own_id
		pair[2].links[link.peer_id] = link
	a.link_opened.emit(b.own_id)
	b.link_opened.emit(a.own_id)
