class_name OrionLobby
extends RefCounted
## A lobby, and this player in it. Made by [OrionEdge].
##
## Connect to its signals right after [code]await[/code]: nothing is missed.

signal player_joined(player: OrionPlayer)
## [param was_kicked]: the host has removed it.
signal player_left(player: OrionPlayer, was_kicked: bool)
## The player's connection is lost. It keeps its place until then, in milliseconds since 1970 (0: not known).
signal player_went_away(player: OrionPlayer, until_ms: int)
signal player_returned(player: OrionPlayer)
## The player has changed something of itself: display_name, is_hidden, data, as far as it changed. A null in the data is a key that is gone.
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
## A start takes long: the server has seen the datagrams of these players, and waits for those.
signal progress_changed(seen: Array[String], awaited: Array[String])
## A start, or the linking of latecomers, is done: all who took part are connected.
signal connected
## A start has failed, or goes on without this player (left_out). The lobby is open again.
signal start_aborted(code: String, message: String)
## A player could not be connected, or not directly, and why: clientId, name, cause and peers.
signal report_received(report: Dictionary)
## This player's connection is lost. The lobby keeps its place for so long, and the addon tries to come back.
signal connection_lost(grace_ms: int)
## It is back. [param is_complete]: all chat that was missed has been told as well.
signal resumed(is_complete: bool)
## Somebody has tried to come back in this player's place, and was refused.
signal resume_refused
## A link is usable: [code]links[id][/code]. [param id] is the other player's. Comes again where a link that has died is made anew.
signal link_opened(id: String)
signal link_closed(id: String, cause: String)
signal link_path_changed(id: String, path: String)
## The lobby is over for this player. Comes once. The code is one of: connected, left_out, host_left, left, kicked, disconnected,
## resumed_elsewhere, resume_refused. Links that were handed out live on.
signal closed(code: String)

const Entrance := preload("session/entrance.gd")
const Http := preload("session/http.gd")
const LobbyView := preload("session/lobby_view.gd")
const Mediation := preload("link/mediation.gd")
const Message := preload("wire/message.gd")
const MissedLinks := preload("link/missed_links.gd")
const Problems := preload("session/problems.gd")
const Relays := preload("websocket/relays.gd")
const Retry := preload("session/retry.gd")
const Session := preload("session/session.gd")
const WebRtc := preload("webrtc/webrtc.gd")

## Milliseconds that a start waits for a player, unless the game says otherwise.
const PATIENCE_MS := 20_000
## Milliseconds until a mediation begins after the server has agreed to it.
const BEGIN_MS := 2_000.0
const SIGNAL_BYTES := 8_192
const SNAPSHOT_BYTES := 65_536
const PACKET_BYTES := 1_200
## The key of signals between addons and SDKs, which games do not see.
const WEBRTC_SIGNAL := "orion-webrtc"

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
## The lobby's name as servers have it, and the one to show.
var name := ""
var title := ""
## Empty if the lobby belongs to no game.
var game := ""
var is_public := false
var is_locked := false
var has_password := false
var max_players := 0
## "session": it stays while they play. "mediation": it closes when its players are connected.
var lifetime := ""
## "star": everybody is connected to the host. "mesh": to each other.
var topology := ""
## "open", or "relay-only": no player's address is told to another.
var privacy := ""
var grace_ms := 0
## What the game keeps with the lobby.
var data: Dictionary = {}
## Counts changes.
var version := 0
## Counts hosts, from 1.
var term := 1
## "waiting", "gathering" or "connecting".
var phase := "waiting"
## For the host: {clientId, name} of each that it has banned.
var bans: Array[Dictionary] = []
## Why the lobby is over for this player; empty while it is not. See [signal closed].
var close_code := ""
## The host's reason, if it has removed this player; and whether for good.
var close_message := ""
var was_banned := false

var _session: Session
var _entrance: Entrance
var _about: Dictionary
var _relays: Relays
## The last one: under way, or done.
var _mediation: Mediation = null
## Those before it whose links live on.
var _earlier: Array[Mediation] = []
var _missed := MissedLinks.new(_link_again, _miss_of)
var _began := 0
## Whether the members were connected to each other.
var _was_playing := false
var _accepts_host := true
var _has_listeners := false
var _is_let_go := false
## The frame in which it was polled last.
var _polled_in := -1


## Made by [OrionEdge]. [param about]: secret, is_encryption_required, accepts_host, has_udp, unproven, resolver.
func _init(session: Session, entrance: Entrance, about: Dictionary) -> void:
	_session = session
	_entrance = entrance
	_about = about
	_accepts_host = about.accepts_host
	_relays = Relays.new(entrance.server, entrance.tls)
	code = session.code
	own_id = session.own_id
	own_name = session.own_name
	_read_view()
	for member: Dictionary in session.view.members:
		_add_player(member)
	_was_playing = session.view.isPlaying
	session.needs_links = _needs_links
	session.heard.connect(_hear)
	session.view_changed.connect(_compare)
	session.chat_heard.connect(_hear_chat)
	session.connection_lost.connect(_lose_connection)
	session.resumed.connect(_resume)
	session.ended.connect(_close)


func is_host() -> bool:
	return host_id == own_id and own_id != ""


## Whether the connection is lost, and the addon tries to come back.
func is_reconnecting() -> bool:
	return _session.is_reconnecting


## What [method OrionEdge.resume] takes, so that a game that has crashed comes back as this player. A secret, and good once: after [signal resumed] there is
## another. Empty where the lobby has no grace period.
func return_key() -> String:
	return "%s %s" % [code, _session.resume_key] if _session.resume_key != "" else ""


## Says something to all, 1 to 250 characters. Done when it has come back as said.
func chat(text: String) -> OrionResult:
	return await _session.chat(text)


## As the host: changes keys of the lobby's data; null deletes one. Done when [member data] has it. [param if_version]: the version that this is based on; else -1.
func set_data(change_of_data: Dictionary, if_version := -1) -> OrionResult:
	return await change({"data": change_of_data}, if_version)


## Changes keys of this player's data, in the same way.
func set_own_data(change_of_data: Dictionary, if_version := -1) -> OrionResult:
	var body := {"data": change_of_data}
	if if_version >= 0:
		body["ifVersion"] = if_version
	return await _session.change("/members/me", body)


func set_ready(is_ready: bool) -> OrionResult:
	return await set_own_data({"ready": is_ready})


## The name of this player to show, in any script.
func set_display_name(display_name: String) -> OrionResult:
	return await _session.change("/members/me", {"displayName": display_name})


## As the host: changes the lobby: name, title, is_public, max_players, password (null: none), is_locked, data. What is not there stays as it is.
func change(changes: Dictionary, if_version := -1) -> OrionResult:
	var fields := {"name": "lobbyName", "is_public": "isPublic", "max_players": "maxMembers", "is_locked": "locked"}
	var body := {"term": term}
	for key: String in changes:
		body[fields.get(key, key)] = changes[key]
	if if_version >= 0:
		body["ifVersion"] = if_version
	return await _session.change("", body)


## As the host: nobody may join, or all again.
func lock(is_to_be_locked := true) -> OrionResult:
	return await change({"is_locked": is_to_be_locked})


## As the host: the password without which nobody can join; empty: none.
func set_password(password: String) -> OrionResult:
	return await change({"password": password if password != "" else null})


## As the host: removes a player. With [param is_ban] it may not come back.
func kick(id: String, reason := "", is_ban := false) -> OrionResult:
	var result := await _post("/kick", {"clientId": id, "reason": reason, "ban": is_ban, "term": term})
	# Nobody is told of bans: the host asks.
	if result.is_ok and is_ban:
		await refresh()
	return result


func ban(id: String, reason := "") -> OrionResult:
	return await kick(id, reason, true)


## As the host: lets somebody in again that was banned.
func unban(id: String) -> OrionResult:
	var answer := await _session.ask("/bans/%s" % id.uri_encode(), {"method": HTTPClient.METHOD_DELETE})
	var result := Http.result_of(answer)
	if result.is_ok:
		await refresh()
	return result


## As the host: hands over to another player.
func make_host(id: String) -> OrionResult:
	return await _post("/host", {"clientId": id, "term": term})


## Sends a value to another player: JSON of up to 8 192 bytes. In a star to the host and from it only, unless the lobby allows more.
## [signal signal_failed] says if it was not passed on.
func signal_player(id: String, value: Variant) -> OrionResult:
	if Message.to_json(value).to_utf8_buffer().size() > SIGNAL_BYTES:
		return Problems.failed("invalid_signal")
	if close_code != "":
		return Problems.failed(Problems.of_end(close_code))
	if is_reconnecting():
		return Problems.failed("disconnected")
	_session.say("lobby_signal", {"to": id, "data": value})
	return OrionResult.ok()


## As the host: keeps up to 64 KiB of the game's state with the lobby, for a new host and for those who come later.
func save_snapshot(bytes: PackedByteArray, if_version := -1) -> OrionResult:
	if bytes.size() > SNAPSHOT_BYTES:
		return Problems.failed("invalid_snapshot")
	var about := {"method": HTTPClient.METHOD_PUT, "bytes": bytes}
	if if_version >= 0:
		about["headers"] = ['If-Match: "%d"' % if_version]
	var answer := await _session.ask("/snapshot", about)
	var result := Http.result_of(answer)
	if result.is_ok and answer.json is Dictionary:
		result.version = Message.int_of(answer.json, "version")
		result.is_durable = Message.bool_of(answer.json, "durable")
	return result


## What was kept last: [member OrionResult.bytes]. The code is no_snapshot if there is none.
func read_snapshot() -> OrionResult:
	var answer := await _session.ask("/snapshot", {"method": HTTPClient.METHOD_GET})
	var result := Http.result_of(answer)
	if result.is_ok:
		result.bytes = answer.bytes
		result.version = answer.etag.to_int()
	return result


## Has the server tell all of the lobby again. The addon does so by itself when it has missed something.
func refresh() -> OrionResult:
	return await _session.refresh()


## Whether this player's window is out of sight: such a player becomes host only if there is no other.
func set_hidden(is_hidden: bool) -> void:
	_session.hide(is_hidden)


## As the host: connects everybody. Done when all links of this player that could be made are usable. [param patience_ms]: how long the server waits for a
## player to show up, 1 000 to 300 000.
func start(patience_ms := PATIENCE_MS) -> OrionResult:
	if close_code != "":
		return Problems.failed(Problems.of_end(close_code))
	var began := _began
	var result := await _post("/ptp/start", {"patienceMs": patience_ms, "term": term})
	return await _links_since(began, result) if result.is_ok else result


## As any other player: waits for the host to start, or for what it has started, then does as [method start].
func started() -> OrionResult:
	if close_code != "":
		return Problems.failed(Problems.of_end(close_code))
	if _mediation and not _mediation.is_failing():
		return await _links_of(_mediation)
	return await _links_since(_began, OrionResult.ok(), INF)


## As the host: stops what was started, for everybody. All hear [signal start_aborted] with the code stopped.
func stop() -> OrionResult:
	return await _post("/ptp/stop", {"term": term})


## As the host: what was started goes on without the players who are missing.
func proceed() -> OrionResult:
	var mediation := _mediation
	var result := await _post("/ptp/proceed", {"term": term})
	if result.is_ok and mediation:
		mediation.go_on()
	return result


## Sends a packet, as [method OrionLink.send], to each linked player. How many links took it.
func broadcast(packet: PackedByteArray) -> int:
	if packet.size() > PACKET_BYTES:
		push_error("A packet may have 1200 bytes at most, and this one has %d." % packet.size())
		return 0
	var taken := 0
	for link: OrionLink in links.values():
		if link.send(packet) == OK:
			taken += 1
	return taken


## How all links went and go, for a log: no secrets, and no addresses.
func report() -> String:
	var lines := PackedStringArray(["lobby %s: %d players, %s" % [code, players.size(), close_code if close_code != "" else phase]])
	for link: OrionLink in links.values():
		lines.append(link.report())
	return "\n".join(lines)


## Leaves the lobby. Its links live on, until they are closed. A host that leaves closes the lobby, unless another follows it.
func leave() -> void:
	await _session.leave()


## Leaves the lobby, and closes all links.
func close() -> void:
	for link: OrionLink in links.values():
		link.close()
	_is_let_go = true
	_session.is_held = false
	await _session.leave()


## Called by [OrionEdge] in each frame, and by the multiplayer peer, which comes first.
func _poll() -> void:
	_polled_in = Engine.get_process_frames()
	# Whoever has awaited the lobby has connected to its signals by now.
	_session.poll()
	_relays.poll()
	for mediation in _mediations():
		mediation.poll()
	_relays.flush()
	_missed.poll(Time.get_ticks_usec() / 1000.0)
	_earlier = _earlier.filter(func(mediation: Mediation) -> bool: return not mediation.is_gone())


## Called by [OrionEdge] where the peer has polled in this frame already: sends what the game has answered since.
func _flush() -> void:
	_relays.flush()


## Whether nothing of it is left to be polled.
func _is_gone() -> bool:
	return _session.is_gone() and _mediations().all(func(mediation: Mediation) -> bool: return mediation.is_gone())


## The program ends, or the node has left the tree.
func _close_now() -> void:
	for mediation in _mediations():
		mediation.close_now()
	_relays.flush()
	_relays.poll()
	_session.close_now()


func _post(what: String, body: Dictionary) -> OrionResult:
	return Http.result_of(await _session.ask(what, {"method": HTTPClient.METHOD_POST, "body": body}))


## The links of a mediation that begins from now on.
func _links_since(began: int, _asked: OrionResult, patience := BEGIN_MS) -> OrionResult:
	var until := Time.get_ticks_msec() + patience
	while _began == began:
		await _entrance.frames.passed
		if close_code != "":
			return Problems.failed(Problems.of_end(close_code))
		if Time.get_ticks_msec() > until:
			return Problems.failed("unanswered")
	if _mediation == null:
		return Problems.failed("aborted")
	return await _links_of(_mediation)


func _links_of(mediation: Mediation) -> OrionResult:
	while true:
		if mediation.successor:
			mediation = mediation.successor
			continue
		if mediation.is_done():
			var result := OrionResult.ok()
			result.links = mediation.links()
			return result
		if mediation.phase == "over":
			return OrionResult.failed(mediation.failure, mediation.failure_message)
		await _entrance.frames.passed
	return null


func _mediations() -> Array[Mediation]:
	var all := _earlier.duplicate()
	if _mediation:
		all.append(_mediation)
	return all


func _hear(message: Dictionary) -> void:
	var payload: Dictionary = message.payload
	match message.method:
		"ptpRelay_renewed":
			for mediation in _mediations():
				mediation.hear_tickets(payload)
		"ptpMediation_send":
			var mediation := _asked(Message.text_of(payload, "mediation"))
			if mediation:
				mediation.ask(payload)
		"ptpMediation_peersConnection_start":
			if _mediation:
				_mediation.introduce(payload)
		"ptpMediation_aborted":
			_abort(Message.text_of(payload, "code", "aborted"), Message.text_of(payload, "abortReason"))
		"ptpMediation_success":
			_was_playing = _session.view.isPlaying
			if _mediation:
				_mediation.has_succeeded = true
			connected.emit()
		"ptpMediation_progress":
			progress_changed.emit(Message.texts_of(payload, "seen"), Message.texts_of(payload, "awaited"))
		"ptpMediation_report":
			report_received.emit(payload)
		"lobby_signal":
			_hear_signal(Message.text_of(payload, "from"), payload.get("data"))
		"lobby_signalFailed":
			signal_failed.emit(Message.text_of(payload, "to"), Message.text_of(payload, "code"))
		"lobby_resumeRefused":
			resume_refused.emit()


func _hear_signal(from: String, value: Variant) -> void:
	if value is Dictionary and value.has(WEBRTC_SIGNAL):
		for mediation in _mediations():
			mediation.hear_signal(from, value[WEBRTC_SIGNAL])
	else:
		signal_received.emit(from, value)


func _hear_chat(from: String, text: String, at_ms: int, was_missed: bool) -> void:
	chat_received.emit(from, text, at_ms, was_missed)


func _abort(why: String, message: String) -> void:
	# One of which this client was never told may be aborted, too.
	if _mediation == null or not _mediation.has_succeeded:
		if _mediation:
			_mediation.abort(why, message)
			_earlier.append(_mediation)
		_mediation = null
	start_aborted.emit(why, message)


## The mediation for which the server asks to see us, perhaps a new one. Null if it is over.
func _asked(id: String) -> Mediation:
	var current := _mediation
	if current and current.id == id:
		return null if current.is_failing() else current
	var next := _begin(id)
	# What it has brought about stays; what is under way is over.
	if current:
		if not current.is_done():
			current.give_way(next)
		_earlier.append(current)
	return next


func _begin(id: String) -> Mediation:
	var view := _session.view
	var about := {
		"id": id,
		"encryption_required": _about.is_encryption_required or view.get("encryption") == "required",
		"secret": _about.secret,
		# One for newcomers goes on in any case.
		"goes_on": view.get("onLoss") == "continue" or view.isPlaying,
		"has_udp": _about.has_udp,
		"relays": _relays,
		"unproven": _about.unproven,
		"resolver": _about.resolver,
		"webrtc": WebRtc.channels(_session),
	}
	_mediation = Mediation.new(_session, about)
	_mediation.linked.connect(_open_link)
	_mediation.went_on.connect(_tell_report)
	_mediation.patience_over.connect(_post.bind("/ptp/proceed", {"term": term}))
	_began += 1
	return _mediation


func _open_link(link: OrionLink) -> void:
	var id := link.peer_id
	links[id] = link
	if players.has(id):
		players[id].link = link
	link.closed.connect(_close_link.bind(link))
	link.path_changed.connect(_change_path.bind(link))
	link.settled.connect(_hold_session.unbind(1))
	link.relay_noticed.connect(_hold_session.unbind(2))
	_hold_session()
	link_opened.emit(id)
	# The game has connected to its signals by now, or in the next frame.
	link._end.hand_out()


func _close_link(cause: String, link: OrionLink) -> void:
	var id := link.peer_id
	_hold_session()
	if links.get(id) != link:
		return
	links.erase(id)
	if players.has(id):
		players[id].link = null
	if cause == "path-lost":
		_missed.add(id, Time.get_ticks_usec() / 1000.0)
	link_closed.emit(id, cause)


func _change_path(path: String, link: OrionLink) -> void:
	_hold_session()
	if links.get(link.peer_id) == link:
		link_path_changed.emit(link.peer_id, path)


## The WebSocket stays open as long as a link needs a relay.
func _hold_session() -> void:
	var is_needed := _mediations().any(func(mediation: Mediation) -> bool: return mediation.needs_relay()) and not _is_let_go
	if is_needed == _session.is_held:
		return
	_session.is_held = is_needed
	if not is_needed:
		_session.let_go()


func _tell_report(report_of_peers: Dictionary) -> void:
	var told := report_of_peers.duplicate(true)
	told.merge({"clientId": own_id, "name": own_name})
	report_received.emit(told)


func _lose_connection() -> void:
	connection_lost.emit(grace_ms)


## Back after the connection was lost: perhaps the others have gone on without this one.
func _resume(is_complete: bool) -> void:
	_was_playing = _session.view.isPlaying
	if _mediation and not _mediation.is_done() and _session.view.phase.get("mediation") != _mediation.id:
		_mediation.abort("disconnected", Problems.sentence_of("disconnected"))
		_earlier.append(_mediation)
		_mediation = null
	resumed.emit(is_complete)


## Whether this player is without the links that it had.
func _needs_links() -> bool:
	for mediation in _mediations():
		mediation.end_given_up()
	var is_linked := _mediations().any(func(mediation: Mediation) -> bool: return mediation.is_linked())
	return _was_playing and not _is_under_way() and not is_linked


func _is_under_way() -> bool:
	return _mediation != null and not _mediation.is_done() and not _mediation.is_failing()


## Asks the server to connect this player again to those whose links have died.
func _link_again(ids: Array[String]) -> void:
	_session.say("ptpMediation_again", {"peers": ids})


func _miss_of(id: String) -> MissedLinks.Miss:
	var player: OrionPlayer = players.get(id)
	if player == null or links.has(id) or lifetime != "session" or not _session.view.isPlaying:
		return MissedLinks.Miss.OVER
	var must_wait := is_reconnecting() or _is_under_way() or player.is_away
	return MissedLinks.Miss.LATER if must_wait else MissedLinks.Miss.MISSED


func _close(reason: String, about: Dictionary) -> void:
	close_code = reason
	close_message = Message.text_of(about, "message")
	was_banned = Message.bool_of(about, "banned")
	phase = "waiting"
	_missed.stop()
	for mediation in _mediations():
		mediation.detach(Problems.of_end(reason))
	closed.emit(reason)


## Tells the game what is different now.
func _compare(before: Dictionary, message: Dictionary) -> void:
	var now := _session.view
	var was_kicked: bool = message.get("method") == "lobby_peerDisconnect" and Message.bool_of(message.payload, "kicked")
	var until: int = Message.int_of(message.payload, "until") if message.get("method") == "lobby_memberAway" else 0
	_read_view()
	for member: Dictionary in before.members:
		if LobbyView.member_of(now, member.clientId).is_empty():
			_remove_player(member.clientId, was_kicked)
	for member: Dictionary in now.members:
		var was := LobbyView.member_of(before, member.clientId)
		var player := _add_player(member)
		if was.is_empty():
			player_joined.emit(player)
		var was_away: bool = was.get("presence") == "away"
		if player.is_away and not was_away:
			player_went_away.emit(player, until)
		elif was_away and not player.is_away:
			player_returned.emit(player)
	if before.get("term") != now.get("term"):
		_change_host()
	_compare_settings(before, now)
	for member: Dictionary in now.members:
		var was := LobbyView.member_of(before, member.clientId)
		if not was.is_empty():
			_compare_member(was, member)


func _compare_settings(before: Dictionary, now: Dictionary) -> void:
	var names := {"lobbyName": "name", "title": "title", "isPublic": "is_public", "maxMembers": "max_players"}
	names.merge({"hasPassword": "has_password", "locked": "is_locked"})
	var settings := {}
	for field: String in names:
		if before.get(field) != now.get(field):
			settings[names[field]] = get(names[field])
	if not settings.is_empty():
		settings_changed.emit(settings)
	var change_of_data := LobbyView.data_between(before.data, now.data)
	if not change_of_data.is_empty():
		data_changed.emit(change_of_data)


func _compare_member(was: Dictionary, member: Dictionary) -> void:
	var changes := {}
	if was.get("displayName") != member.get("displayName"):
		changes["display_name"] = member.get("displayName")
	if was.get("hidden") != member.get("hidden"):
		changes["is_hidden"] = member.get("hidden")
	var change_of_data := LobbyView.data_between(was.data, member.data)
	if not change_of_data.is_empty():
		changes["data"] = change_of_data
	if not changes.is_empty():
		player_changed.emit(players[member.clientId], changes)


func _change_host() -> void:
	var was_playing := _was_playing
	_was_playing = _session.view.isPlaying
	host_changed.emit(players.get(host_id), term)
	# A new host of a star that was playing: the others wait to be connected to it.
	if is_host() and was_playing and not _was_playing and _accepts_host and players.size() > 1:
		_follow(term)


func _follow(of_term: int) -> void:
	var body := {"patienceMs": PATIENCE_MS, "term": of_term}
	var attempt := func(_ms: float) -> Dictionary:
		return await _session.ask("/ptp/start", {"method": HTTPClient.METHOD_POST, "body": body})
	var passes := func(answer: Dictionary) -> bool: return Retry.is_loss(answer) and term == of_term
	# Refused, it is as if nobody had started: the game can.
	await Retry.run(_entrance.frames, attempt, Retry.Ending.new(), passes)


func _remove_player(id: String, was_kicked: bool) -> void:
	var player: OrionPlayer = players.get(id)
	players.erase(id)
	for mediation in _mediations():
		mediation.lose(id, was_kicked)
	if player:
		player_left.emit(player, was_kicked)


## The player of this member, as it is now.
func _add_player(member: Dictionary) -> OrionPlayer:
	var id: String = member.clientId
	if not players.has(id):
		players[id] = OrionPlayer.new()
	var player := players[id]
	player.id = id
	player.name = member.name
	player.display_name = Message.text_of(member, "displayName", member.name)
	player.data = member.data
	player.is_ready = member.data.get("ready") is bool and member.data.ready
	player.is_away = member.get("presence") == "away"
	player.is_hidden = Message.bool_of(member, "hidden")
	player.is_host = id == host_id
	player.is_self = id == own_id
	player.link = links.get(id)
	return player


func _read_view() -> void:
	var view := _session.view
	host_id = Message.text_of(view, "hostId")
	name = Message.text_of(view, "lobbyName")
	title = Message.text_of(view, "title", name)
	game = Message.text_of(view, "game")
	is_public = Message.bool_of(view, "isPublic")
	is_locked = Message.bool_of(view, "locked")
	has_password = Message.bool_of(view, "hasPassword")
	max_players = Message.int_of(view, "maxMembers")
	lifetime = Message.text_of(view, "lifetime")
	topology = Message.text_of(view, "topology")
	privacy = Message.text_of(view, "privacy")
	grace_ms = Message.int_of(view, "graceMs")
	data = view.data
	version = Message.int_of(view, "version")
	term = Message.int_of(view, "term")
	phase = Message.text_of(Message.dictionary_of(view, "phase"), "kind", "waiting")
	bans = Message.dictionaries_of(view, "bans")


func _to_string() -> String:
	return "OrionLobby(%s)" % code
