class_name OrionMultiplayerPeer
extends MultiplayerPeerExtension
## Carries the engine's multiplayer over the links of a lobby: [code]@rpc[/code], [MultiplayerSpawner] and
## [MultiplayerSynchronizer] work unchanged.
##
## [codeblock]
## var peer := OrionMultiplayerPeer.new()
## var result := await peer.host(orion, {"name": "Ada"})  # or: await peer.join(orion, code, {"name": "Bo"})
## if result.is_ok:
##     multiplayer.multiplayer_peer = peer
## [/codeblock]
##
## The host is peer 1. In a star the host passes on what the others send each other; in a mesh they send it directly.

## With [member migrates]: the host is gone, and the game waits for the next one. All peers have been disconnected.
signal host_lost
## With [member migrates]: there is a host again. [param is_own]: it is this player, who is peer 1 now.
signal host_migrated(is_own: bool)
## The peer is disconnected, and why. The engine says [signal MultiplayerAPI.server_disconnected] or
## [signal MultiplayerAPI.connection_failed] as well.
signal ended(code: String)

const Connection := preload("connection.gd")
const Roster := preload("roster.gd")
## Seconds between two tries to start.
const START_PAUSE_MS := 2000

## Whether the game goes on with another host when the host is gone. Set it before [method host], [method join] or [method of].
var migrates := false
## Seconds until a player who is not connected to the host gives up. 0: never.
var connect_timeout_s := 30.0
## Seconds until a game without a host gives up. Longer than the time that a lost host has to come back.
var migration_timeout_s := 50.0
## The lobby, or null.
var lobby: OrionLobby:
	get:
		return _lobby

## An OrionLobby. Not typed, so that tests can have one without a server.
var _lobby
## Whether this peer has opened or joined the lobby, and so starts and leaves it.
var _owns_lobby := false
var _status := CONNECTION_DISCONNECTED
var _unique_id := 0
var _roster := Roster.new()
## By client id.
var _connections: Dictionary[String, Connection] = {}
## Those that the engine knows, by peer id.
var _by_peer: Dictionary[int, Connection] = {}
## Packets ([peer id, mode, channel, bytes]) and events (Callable), in the order in which they came.
var _arrivals: Array = []
## Packets that the engine may take before the next event, the next one last.
var _ready: Array = []
var _is_migrating := false
## The host that the engine was told of, as [method _host_now] has it.
var _known_host := ""
## When waiting is over, in milliseconds; 0 for never.
var _deadline := 0
var _deadline_code := ""
## Counts calls of host, join and close: an answer to an earlier one is too late.
var _attempt := 0
var _has_started := false
var _is_starting := false
var _start_at := 0
var _target := 0
var _channel := 0
var _mode := TRANSFER_MODE_RELIABLE
var _is_refusing := false


## The peer of a lobby that the game has opened or joined. The game starts the lobby and leaves it; [method MultiplayerPeer.close]
## closes the links alone.
static func of(the_lobby: OrionLobby, with_migration := false) -> OrionMultiplayerPeer:
	var peer := OrionMultiplayerPeer.new()
	peer.migrates = with_migration
	peer._begin(the_lobby, false)
	return peer


## Opens a lobby with these options of [method OrionEdge.host], and connects everybody who joins.
func host(orion: OrionEdge, options: Dictionary = {}) -> OrionResult:
	var given := options.merged({
		"lifetime": "session",
		"on_host_loss": "migrate" if migrates else "close",
	})
	return await _enter(orion.host.bind(given))


## Joins a lobby with these options of [method OrionEdge.join]. The engine says when the host is connected.
func join(orion: OrionEdge, code: String, options: Dictionary = {}) -> OrionResult:
	return await _enter(orion.join.bind(code, options))


## The peer id of a player of the lobby; 0 if it has none yet.
func id_of(player_id: String) -> int:
	return _roster.ids.get(player_id, 0)


## The player of the lobby that this peer id stands for, or null.
func player_of(peer_id: int) -> OrionPlayer:
	return _lobby.players.get(_roster.player_of(peer_id)) if _lobby else null


## Whether the game waits for another host.
func is_migrating() -> bool:
	return _is_migrating


## The open link to this peer, or null: in a star only the host has links to all.
func link_of(peer_id: int) -> OrionLink:
	return _by_peer[peer_id].link if _by_peer.has(peer_id) else null


## The part of 1 that is lost of this peer's unreliable packets. Negative while too few have come, or without a link.
func loss_of(peer_id: int) -> float:
	return _by_peer[peer_id].loss() if _by_peer.has(peer_id) else -1.0


func _enter(request: Callable) -> OrionResult:
	close()
	var attempt := _attempt
	var result: OrionResult = await request.call()
	if attempt != _attempt:
		if result.is_ok:
			result.lobby.close()
		return OrionResult.failed("closed", "The game has closed the peer meanwhile.")
	if result.is_ok:
		_begin(result.lobby, true)
	return result


func _begin(the_lobby: Object, owns: bool) -> void:
	_lobby = the_lobby
	_owns_lobby = owns
	_lobby.link_opened.connect(_open)
	_lobby.link_closed.connect(_lose)
	_lobby.host_changed.connect(_hear_host_changed)
	_lobby.player_left.connect(_hear_player_left)
	_lobby.closed.connect(_hear_lobby_closed)
	_known_host = _host_now()
	if _is_host():
		_roster.change_host(_lobby.own_id)
		_unique_id = 1
		_status = CONNECTION_CONNECTED
	else:
		_unique_id = Roster.derived(_lobby.own_id)
		_status = CONNECTION_CONNECTING
		_wait(connect_timeout_s, "no_host")
	for id in _lobby.links:
		_open(id)


## Forgets all, and is as new.
func _end() -> void:
	_attempt += 1
	var former = _lobby
	_lobby = null
	_status = CONNECTION_DISCONNECTED
	_unique_id = 0
	_roster = Roster.new()
	_arrivals.clear()
	_ready.clear()
	_by_peer.clear()
	_is_migrating = false
	_deadline = 0
	_has_started = false
	_start_at = 0
	if former:
		former.link_opened.disconnect(_open)
		former.link_closed.disconnect(_lose)
		former.host_changed.disconnect(_hear_host_changed)
		former.player_left.disconnect(_hear_player_left)
		former.closed.disconnect(_hear_lobby_closed)
	var connections := _connections
	_connections = {}
	for connection: Connection in connections.values():
		connection.close()
	if former and _owns_lobby:
		former.close()


## The game goes no further: tells the engine, after the packets that came before.
func _fail(code: String) -> void:
	var attempt := _attempt
	_arrivals.append(func() -> void:
		if attempt != _attempt:
			return
		_disconnect_all()
		if attempt == _attempt:
			_end()
			ended.emit(code))


func _is_host() -> bool:
	return _lobby.host_id == _lobby.own_id


## The host, and how manieth it is: another term of the same host is another host.
func _host_now() -> String:
	return "%s %d" % [_lobby.host_id, _lobby.term]


func _is_mesh() -> bool:
	return _lobby != null and _lobby.topology == "mesh"


# What the lobby says.


func _open(player_id: String) -> void:
	var link: Object = _lobby.links[player_id]
	var former: Connection = _connections.get(player_id)
	if former:
		if former.link == link:
			return
		_drop(former)
	var connection := Connection.new(link, player_id)
	_connections[player_id] = connection
	connection.packet_received.connect(_take_packet)
	connection.told.connect(_hear)
	if _is_host() and _is_refusing:
		connection.tell({"refused": true})
	else:
		_greet(connection)


func _lose(player_id: String, _cause: String) -> void:
	# A link that was replaced has another in its place.
	var connection: Connection = _connections.get(player_id)
	if connection and not connection.link.is_open():
		_drop(connection)


func _drop(connection: Connection) -> void:
	_connections.erase(connection.player_id)
	connection.close()
	if _is_host() and not _lobby.players.has(connection.player_id):
		_roster.ids.erase(connection.player_id)
	if connection.player_id == _lobby.host_id and not _is_host():
		if migrates:
			_arrivals.append(_lose_host)
		elif _status == CONNECTION_CONNECTED:
			_fail("host_lost")
	elif connection.peer_id != 0:
		_arrivals.append(_disconnect_engine.bind(connection))


func _hear_host_changed(_player: OrionPlayer, _term: int) -> void:
	if migrates:
		_arrivals.append(_change_host)
	else:
		_fail("host_left")


func _hear_player_left(player: OrionPlayer, _was_kicked: bool) -> void:
	if _is_host() and not _connections.has(player.id):
		_roster.ids.erase(player.id)


func _hear_lobby_closed(code: String) -> void:
	# Links outlive the lobby, but for players whom it has removed, or whose host has ended it.
	if _status == CONNECTION_CONNECTING or code in ["kicked", "host_left", "left", "left_out"]:
		_fail(code)


# What the other players' peers say.


func _greet(connection: Connection) -> void:
	# The table of ids is that of the old host until the engine has been told of the new one. Then everybody is greeted.
	if _known_host != _host_now():
		return
	if _is_host():
		_roster.add(connection.player_id)
		for each: Connection in _connections.values():
			each.tell({"ids": _roster.ids})
	if _is_host() or connection.player_id == _lobby.host_id or _is_mesh():
		connection.say_hello(_host_now())


func _hear(connection: Connection, words: Dictionary) -> void:
	if words.has("refused") and connection.player_id == _lobby.host_id:
		_fail("refused")
	_admit_all()


func _admit_all() -> void:
	# What a new host says may come before the server says that it is host.
	if _known_host != _host_now():
		return
	var to_host: Connection = _connections.get(_lobby.host_id)
	if to_host:
		if not to_host.told_ids.is_empty() and not _roster.take(to_host.told_ids, _lobby.host_id):
			to_host.link.close()
			return
		to_host.told_ids = {}
		_admit(to_host)
	# The host is the first whom a player meets.
	if _is_host() or (_is_mesh() and to_host and to_host.peer_id != 0):
		for connection: Connection in _connections.values():
			_admit(connection)


## Tells the engine of the player, if the two go by the same host and both have ids.
func _admit(connection: Connection) -> void:
	if connection.peer_id != 0 or not connection.agrees_on(_known_host):
		return
	if not _roster.ids.has(connection.player_id) or not _roster.ids.has(_lobby.own_id):
		return
	connection.peer_id = _roster.ids[connection.player_id]
	_arrivals.append(_connect_engine.bind(connection))


func _take_packet(connection: Connection, mode: int, channel: int, packet: PackedByteArray) -> void:
	# Nothing of a player who is not connected, or not any more.
	if connection.peer_id != 0:
		_arrivals.append([connection.peer_id, mode, channel, packet])


# What the engine is told, from _poll.


func _connect_engine(connection: Connection) -> void:
	var peer_id := connection.peer_id
	# A migration that came first has ended it, or has it told twice.
	if peer_id == 0 or _by_peer.get(peer_id) == connection:
		return
	_by_peer[peer_id] = connection
	if peer_id == 1:
		_unique_id = _roster.ids[_lobby.own_id]
		_status = CONNECTION_CONNECTED
		_deadline = 0
	peer_connected.emit(peer_id)
	if peer_id == 1 and _is_migrating:
		_is_migrating = false
		host_migrated.emit(false)


func _disconnect_engine(connection: Connection) -> void:
	var peer_id := connection.peer_id
	if _by_peer.get(peer_id) != connection:
		return
	_by_peer.erase(peer_id)
	if not connection.is_silent:
		peer_disconnected.emit(peer_id)


## Everybody, also those whom the engine knows by way of the host.
func _disconnect_all() -> void:
	var known: Array[int] = [1]
	for id: int in _roster.ids.values() + _by_peer.keys():
		if not known.has(id) and id != _unique_id:
			known.append(id)
	if _unique_id == 1:
		known.erase(1)
	_by_peer.clear()
	for id in known:
		peer_disconnected.emit(id)


## The link to the host is closed. The host may come back, or another takes its place.
func _lose_host() -> void:
	if _status == CONNECTION_CONNECTED and not _is_migrating and not _is_host():
		_part()
		_admit_all()


## Everybody meets anew: what the engine remembers of a peer is worth nothing once a peer has another id.
func _change_host() -> void:
	if _known_host == _host_now():
		return
	_known_host = _host_now()
	var was_connected := _status == CONNECTION_CONNECTED
	var attempt := _attempt
	if was_connected and not _is_migrating:
		_part()
	if attempt != _attempt:
		return
	_roster.change_host(_lobby.host_id)
	if _is_host():
		_unique_id = 1
		_status = CONNECTION_CONNECTED
		_deadline = 0
		_is_migrating = false
		# In a star that was playing, the lobby starts by itself.
		_has_started = was_connected
		host_migrated.emit(true)
	elif _unique_id == 1:
		_unique_id = Roster.derived(_lobby.own_id)
	if attempt != _attempt:
		return
	for connection: Connection in _connections.values():
		connection.peer_id = 0
		_greet(connection)
	_admit_all()


func _part() -> void:
	_is_migrating = true
	_wait(migration_timeout_s, "no_host")
	for connection: Connection in _connections.values():
		connection.peer_id = 0
	_disconnect_all()
	host_lost.emit()


func _wait(seconds: float, code: String) -> void:
	_deadline = Time.get_ticks_msec() + int(seconds * 1000) if seconds > 0 else 0
	_deadline_code = code


## The host starts as soon as somebody is there. The server connects those who come later.
func _start() -> void:
	_is_starting = true
	var attempt := _attempt
	var result: OrionResult = await _lobby.start()
	_is_starting = false
	if attempt == _attempt:
		_has_started = result.is_ok
		_start_at = Time.get_ticks_msec() + START_PAUSE_MS


# MultiplayerPeerExtension.


func _poll() -> void:
	if _lobby == null:
		return
	# Also in OrionEdge's _process. Here it saves a frame: what has come by now is read before the engine takes packets.
	_lobby._poll()
	for connection: Connection in _connections.values():
		connection.tick()
	var now := Time.get_ticks_msec()
	if _deadline > 0 and now >= _deadline:
		_deadline = 0
		_fail(_deadline_code)
	if _lobby and _owns_lobby and not _has_started and not _is_starting and now >= _start_at:
		if _is_host() and _lobby.players.size() > 1:
			_start()
	_advance()


## Lets the engine have what came, in order: an event waits for the packets before it.
func _advance() -> void:
	_ready.reverse()
	var taken := 0
	var arrivals := _arrivals
	_arrivals = []
	while taken < arrivals.size() and (arrivals[taken] is Array or _ready.is_empty()):
		if arrivals[taken] is Array:
			# One that was on its way when the host changed is of nobody any more.
			if _by_peer.has(arrivals[taken][0]):
				_ready.append(arrivals[taken])
		else:
			var attempt := _attempt
			arrivals[taken].call()
			if attempt != _attempt:
				return
		taken += 1
	_arrivals = arrivals.slice(taken) + _arrivals
	_ready.reverse()


func _close() -> void:
	_end()


func _disconnect_peer(peer_id: int, force: bool) -> void:
	var connection: Connection = _by_peer.get(peer_id)
	if connection == null:
		return
	if peer_id == 1:
		close()
		return
	connection.is_silent = force
	if _is_host():
		_lobby.kick(connection.player_id)
	if _connections.get(connection.player_id) == connection:
		_drop(connection)


func _put_packet_script(packet: PackedByteArray) -> Error:
	if _status != CONNECTION_CONNECTED:
		return ERR_UNCONFIGURED
	if _channel < 0 or _channel > 255:
		push_error("A transfer channel is from 0 to 255.")
		return ERR_INVALID_PARAMETER
	if _target > 0:
		var connection: Connection = _by_peer.get(_target)
		return _send(connection, packet) if connection else ERR_INVALID_PARAMETER
	for peer_id: int in _by_peer:
		if peer_id != -_target:
			_send(_by_peer[peer_id], packet)
	return OK


func _send(connection: Connection, packet: PackedByteArray) -> Error:
	if _mode == TRANSFER_MODE_RELIABLE:
		return connection.send_reliable(_channel, packet)
	return connection.send_unreliable(_mode == TRANSFER_MODE_UNRELIABLE_ORDERED, _channel, packet)


func _get_packet_script() -> PackedByteArray:
	return PackedByteArray() if _ready.is_empty() else _ready.pop_back()[3]


func _get_available_packet_count() -> int:
	return _ready.size()


func _get_packet_peer() -> int:
	return 0 if _ready.is_empty() else _ready.back()[0]


func _get_packet_mode() -> MultiplayerPeer.TransferMode:
	return TRANSFER_MODE_RELIABLE if _ready.is_empty() else _ready.back()[1]


func _get_packet_channel() -> int:
	return 0 if _ready.is_empty() else _ready.back()[2]


func _get_max_packet_size() -> int:
	return Connection.MOST_BYTES


func _get_connection_status() -> MultiplayerPeer.ConnectionStatus:
	return _status


func _get_unique_id() -> int:
	return _unique_id


func _is_server() -> bool:
	return _unique_id == 1


func _is_server_relay_supported() -> bool:
	return not _is_mesh()


func _set_target_peer(peer_id: int) -> void:
	_target = peer_id


func _set_transfer_channel(channel: int) -> void:
	_channel = channel


func _get_transfer_channel() -> int:
	return _channel


func _set_transfer_mode(mode: MultiplayerPeer.TransferMode) -> void:
	_mode = mode


func _get_transfer_mode() -> MultiplayerPeer.TransferMode:
	return _mode


func _set_refuse_new_connections(is_refusing: bool) -> void:
	_is_refusing = is_refusing


func _is_refusing_new_connections() -> bool:
	return _is_refusing
