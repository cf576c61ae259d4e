extends RefCounted
## A client in one lobby: its connection, what it knows of the lobby, and the way back when the connection is lost. Polled.

const Connection := preload("connection.gd")
const Ending := preload("ending.gd")
const Entrance := preload("entrance.gd")
const Http := preload("http.gd")
const LobbyView := preload("lobby_view.gd")
const Message := preload("../wire/message.gd")
const Problems := preload("problems.gd")
const Retry := preload("retry.gd")

## The server has said something, and the view has it.
signal heard(message: Dictionary)
## [param message]: what changed it, or empty if it was the whole picture.
signal view_changed(before: Dictionary, message: Dictionary)
signal chat_heard(from: String, text: String, at_ms: int, was_missed: bool)
signal connection_lost
signal resumed(is_complete: bool)
## The last one. [param about]: message and banned, if the host has removed this player.
signal ended(reason: String, about: Dictionary)

## Milliseconds for which a coming back is tried after the grace period, and for its first attempt.
const LATE_MS := 5_000.0
const FIRST_MS := 2_000.0
## Milliseconds to wait for the message of a change that was made, for a line of chat to come back, and for the end of a connection whose token is void.
const CHANGE_MS := 2_000.0
const CHAT_MS := 10_000.0
const VOID_MS := 2_000.0
const CHAT_LENGTH := 250
const FINAL_REFUSALS: Array[String] = ["resume_key_used", "wrong_resume_key", "banned"]

var server: String
var code := ""
var own_id := ""
var own_name := ""
var view: Dictionary
## Whether no peer is told this client's addresses.
var is_hidden := false
var resume_key := ""
## Why it is over; empty while it is not.
var end_reason := ""
## Asked when this client comes back: whether it has lost its links.
var needs_links := func() -> bool: return false
## Whether the connection stays open when the lobby is over, because links need it.
var is_held := false
var is_reconnecting := false

var _entrance: Entrance
var _connection: Connection
var _old_connections: Array[Connection] = []
var _ending := Ending.new()
var _reported := {}
var _is_window_hidden := false
## The newest chat that was heard: when, by the server's clock, and all lines of that millisecond.
var _heard_at := 0
var _heard_lines: Array[String] = []
## Chat that was said, and has not come back: {text, code}.
var _unconfirmed: Array[Dictionary] = []
var _has_succeeded := false
var _is_left_out := false
var _is_refreshing := false
## What came since a picture was asked for.
var _since: Array[Dictionary] = []


## [param welcome]: the server's answer to who hosts or joins. [param name]: what this client is called.
func _init(entrance: Entrance, connection: Connection, welcome: Dictionary, name: String, hides: bool) -> void:
	_entrance = entrance
	server = entrance.server
	_connection = connection
	view = LobbyView.of_picture(welcome.lobby)
	code = view.lobbyId
	resume_key = Message.text_of(welcome, "resumeKey")
	own_name = name
	own_id = connection.client_id
	for member: Dictionary in view.members:
		if member.name == name:
			own_id = member.clientId
	is_hidden = hides or view.get("privacy") == "relay-only"


func features() -> Array[String]:
	return _connection.features


func is_host() -> bool:
	return view.get("hostId") == own_id


func poll() -> void:
	_poll_old()
	if is_reconnecting:
		return
	_connection.poll()
	for message in _connection.take_messages():
		_hear(message)
	if _connection.is_closed and end_reason == "":
		_lose()


## Whether nothing is left to be polled.
func is_gone() -> bool:
	return end_reason != "" and _connection.is_closed and _old_connections.is_empty()


## Sends a message under the token. After the end, and while there is no connection, it does nothing.
func say(method: String, payload: Dictionary = {}) -> void:
	_connection.say(method, payload)
	# A report is not said twice, so it must not be lost.
	if method.begins_with("ptpMediation_peersConnection_"):
		_reported = {"method": method, "payload": payload}


func hide(hidden: bool) -> void:
	_is_window_hidden = hidden
	_connection.say("client_hidden", {"hidden": hidden})


## Says something to all. Done when it came back.
func chat(text: String) -> OrionResult:
	if text.is_empty() or text.to_utf16_buffer().size() > 2 * CHAT_LENGTH:
		return Problems.failed("invalid_message")
	var why := await _ready()
	if why != "":
		return Problems.failed(why)
	var line := {"text": text, "code": "waiting"}
	_unconfirmed.append(line)
	say("lobby_messaging_send", {"lobbyId": code, "message": text})
	var until := Connection.now() + CHAT_MS
	while line.code == "waiting":
		await _entrance.frames.passed
		if Connection.now() > until:
			line.code = "unanswered"
			_unconfirmed.erase(line)
	return OrionResult.ok() if line.code == "" else Problems.failed(line.code)


## Asks the server for something in the lobby, in this client's name (http.gd). While there is no connection it waits. [param what] follows the lobby's path.
func ask(what: String, about: Dictionary = {}, ending: Ending = null) -> Dictionary:
	var why := await _ready()
	if why != "":
		return Http.failure(why)
	var connection := _connection
	var answer := await _ask_once(what, about, ending)
	# The token of a connection that is gone is void, and then nothing was done.
	if answer.code != "invalid_token" or resume_key == "":
		return answer
	var until := Connection.now() + VOID_MS
	while not connection.is_closed and Connection.now() < until:
		await _entrance.frames.passed
	if not connection.is_closed:
		return answer
	await _entrance.frames.passed
	why = await _ready()
	return Http.failure(why) if why != "" else await _ask_once(what, about, ending)


## A change: done when the view has it.
func change(what: String, body: Dictionary) -> OrionResult:
	var answer := await ask(what, {"method": HTTPClient.METHOD_PATCH, "body": body})
	var result := Http.result_of(answer)
	if result.is_ok:
		result.version = Message.int_of(answer.json, "version") if answer.json is Dictionary else 0
		await _reaches(result.version)
	return result


## Has the whole lobby told again.
func refresh() -> OrionResult:
	while _is_refreshing:
		await _entrance.frames.passed
	_is_refreshing = true
	var result := OrionResult.ok()
	var has_missed := true
	while has_missed:
		has_missed = false
		_since = []
		var answer := await ask("", {"method": HTTPClient.METHOD_GET})
		result = Http.result_of(answer)
		if result.is_ok:
			has_missed = take_picture(answer.json, _since)
	_is_refreshing = false
	_since = []
	return result


## Takes the whole picture, and on top of it what came since it was asked for. Whether that shows that something was missed after it.
func take_picture(picture: Variant, since: Array[Dictionary] = []) -> bool:
	var next := LobbyView.of_picture(picture)
	if next.is_empty():
		return false
	var has_missed := false
	for message in since:
		var taken := LobbyView.after(next, message)
		next = taken.view
		has_missed = has_missed or taken.is_behind
	_become(next, {})
	return has_missed


## Leaves the lobby. Done when the server knows. When the lobby is over, links may go on to hold the connection.
func leave() -> void:
	var keeps := end_reason not in ["", "left"] and is_held
	_finish("left")
	if keeps:
		return
	_connection.close()
	while not _connection.is_closed and not _entrance.frames.is_over:
		await _entrance.frames.passed
		_connection.poll()


## At once, and for good: the program ends.
func close_now() -> void:
	_finish("left")
	_connection.close()
	_connection.poll()


## Links no longer need the connection of a lobby that is over.
func let_go() -> void:
	is_held = false
	if end_reason != "":
		_connection.close()


func _ask_once(what: String, about: Dictionary, ending: Ending) -> Dictionary:
	var asked := about.duplicate()
	asked["path"] = "lobbies/%s%s" % [code.uri_encode(), what]
	if about.has("body"):
		asked["body"] = {"token": _connection.secret_token}
		asked.body.merge(about.body)
	else:
		var headers: Array = about.get("headers", []).duplicate()
		headers.append("Authorization: Bearer %s" % _connection.secret_token)
		asked["headers"] = headers
	return await _entrance.http.request(asked, ending if ending else Ending.new(_ending))


## Waits while there is no connection. Why nothing can be done; empty if it can.
func _ready() -> String:
	while is_reconnecting and end_reason == "":
		await _entrance.frames.passed
	return Problems.of_end(end_reason) if end_reason != "" else ""


func _reaches(version: int) -> void:
	var until := Connection.now() + CHANGE_MS
	while Message.int_of(view, "version") < version and end_reason == "":
		await _entrance.frames.passed
		if Connection.now() > until:
			await refresh()
			return


func _hear(message: Dictionary) -> void:
	if message.method == "ptpRelay_renewed":
		heard.emit(message)
	if end_reason != "":
		return
	if _is_refreshing:
		_since.append(message)
	var payload: Dictionary = message.payload
	if message.method == "lobby_resumedElsewhere":
		_finish("resumed_elsewhere")
		_connection.close()
		return
	var taken := LobbyView.after(view, message)
	_become(taken.view, message)
	if taken.is_behind and not _is_refreshing:
		refresh()
	match message.method:
		"lobby_messaging_received":
			var line := Message.dictionary_of(payload, "message")
			_hear_chat(Message.text_of(line, "senderName"), Message.text_of(line, "message"), Message.int_of(line, "timestamp"), false)
		"lobby_closed":
			_finish("connected" if _has_succeeded else ("left_out" if _is_left_out else "host_left"))
			if not is_held:
				_connection.close()
		"lobby_kicked":
			_finish("kicked", {"message": Message.text_of(payload, "reason"), "banned": Message.bool_of(payload, "banned")})
			_connection.close()
		"ptpMediation_send":
			_is_left_out = false
		"ptpMediation_aborted":
			_is_left_out = payload.get("code") == "left_out"
			_reported = {}
		"ptpMediation_success":
			_has_succeeded = true
			_reported = {}
	if message.method != "ptpRelay_renewed":
		heard.emit(message)


func _hear_chat(from: String, text: String, at_ms: int, was_missed: bool) -> void:
	if at_ms > _heard_at:
		_heard_at = at_ms
		_heard_lines = []
	if at_ms == _heard_at:
		_heard_lines.append("%s\n%s" % [from, text])
	if from == own_name:
		_confirm(text)
	chat_heard.emit(from, text, at_ms, was_missed)


## The server keeps the order of a sender's lines. If a later one came back, it dropped those before.
func _confirm(text: String) -> void:
	for i in _unconfirmed.size():
		if _unconfirmed[i].text != text:
			continue
		for dropped in _unconfirmed.slice(0, i):
			dropped.code = "too_many_messages"
		_unconfirmed[i].code = ""
		_unconfirmed = _unconfirmed.slice(i + 1)
		return


func _become(next: Dictionary, message: Dictionary) -> void:
	if is_same(next, view):
		return
	var before := view
	view = next
	view_changed.emit(before, message)


## The connection has ended. In a lobby that keeps its members' places, this client tries to come back.
func _lose() -> void:
	if resume_key == "" or Message.int_of(view, "graceMs") == 0:
		_finish("disconnected")
		return
	is_reconnecting = true
	connection_lost.emit()
	_return()


func _return() -> void:
	var request_id := Message.to_base64_url(Crypto.new().generate_random_bytes(12))
	# Others may have been said in the same millisecond.
	var since := maxi(0, _heard_at - 1)
	var can := _connection.features.filter(func(feature: String) -> bool: return feature != "pings")
	var found := {}
	var attempt := func(ms: float) -> Dictionary:
		return await _entrance.come_back(code, resume_key, request_id, since, needs_links.call(), can, _ending, ms, found)
	var answer := await Retry.run(
		_entrance.frames, attempt, _ending, Entrance.may_pass, Message.int_of(view, "graceMs") + LATE_MS, FIRST_MS
	)
	if end_reason != "":
		if found.has("connection"):
			found.connection.close()
			_old_connections.append(found.connection)
		return
	if answer.code != "":
		is_reconnecting = false
		_finish("resume_refused" if answer.code in FINAL_REFUSALS else "disconnected")
		return
	_resume(found.connection, answer.json)


func _resume(connection: Connection, answer: Dictionary) -> void:
	_connection = connection
	resume_key = Message.text_of(answer, "resumeKey")
	is_reconnecting = false
	take_picture(answer.get("lobby"))
	var missed := Message.dictionary_of(answer, "missed")
	for line in Message.dictionaries_of(missed, "lines"):
		var from := Message.text_of(line, "from")
		var text := Message.text_of(line, "text")
		var at_ms := Message.int_of(line, "at")
		if at_ms != _heard_at or "%s\n%s" % [from, text] not in _heard_lines:
			_hear_chat(from, text, at_ms, true)
	# Those that were said before, and nobody has heard, will not come any more.
	_give_chat_up("disconnected")
	if _is_window_hidden:
		hide(true)
	var phase: Dictionary = view.phase
	var is_awaited: bool = own_id in phase.get("awaited", [])
	if not _reported.is_empty() and phase.kind == "connecting" and is_awaited:
		if _reported.payload.get("mediation") == phase.get("mediation"):
			_connection.say(_reported.method, _reported.payload)
	resumed.emit(Message.bool_of(missed, "isComplete"))


func _give_chat_up(why: String) -> void:
	for line in _unconfirmed:
		line.code = why
	_unconfirmed = []


func _finish(reason: String, about: Dictionary = {}) -> void:
	if end_reason != "":
		return
	end_reason = reason
	is_reconnecting = false
	_ending.code = Problems.of_end(reason)
	_give_chat_up(_ending.code)
	ended.emit(reason, about)


func _poll_old() -> void:
	for connection in _old_connections:
		connection.poll()
	_old_connections = _old_connections.filter(func(connection: Connection) -> bool: return not connection.is_closed)
