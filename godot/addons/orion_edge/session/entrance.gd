extends RefCounted
## Getting into a lobby: one WebSocket, one request, and both again if the connection fails in between.

const Connection := preload("connection.gd")
const Ending := preload("ending.gd")
const Frames := preload("frames.gd")
const Http := preload("http.gd")
const LobbyView := preload("lobby_view.gd")
const Message := preload("../wire/message.gd")
const Names := preload("names.gd")
const Retry := preload("retry.gd")

## The server's URL, with a slash at its end.
var server: String
var http: Http
var tls: TLSOptions
var frames: Frames

var _is_found := false
## Those that were given up, until they are closed.
var _closing: Array[Connection] = []


func _init(node: Node, url: String, with_tls: TLSOptions, with_frames: Frames) -> void:
	frames = with_frames
	server = url
	tls = with_tls
	http = Http.new(node, url, with_tls, frames)


## The server's URL with a slash at its end; empty if it is none.
static func server_url(url: String) -> String:
	var trimmed := url.strip_edges()
	var scheme := "https://" if trimmed.begins_with("https://") else "http://"
	if not trimmed.begins_with(scheme):
		return ""
	var rest := trimmed.substr(scheme.length()).get_slice("#", 0).get_slice("?", 0)
	var authority := rest.get_slice("/", 0)
	var host := host_of(trimmed)
	if host == "" or authority.contains("@") or authority.contains(" ") or authority.contains("\\"):
		return ""
	var port := authority.substr(authority.rfind(":") + 1) if authority.rfind(":") > authority.rfind("]") else ""
	if authority.rfind(":") > authority.rfind("]") and (not port.is_valid_int() or int(port) < 1 or int(port) > 65535):
		return ""
	return scheme + rest + ("" if rest.ends_with("/") else "/")


## The name or address in a URL, without brackets.
static func host_of(url: String) -> String:
	var authority := url.substr(url.find("://") + 3).get_slice("/", 0)
	if authority.begins_with("["):
		return authority.substr(1, authority.find("]") - 1)
	return authority.get_slice(":", 0)


func poll() -> void:
	for connection in _closing:
		connection.poll()
	_closing = _closing.filter(func(connection: Connection) -> bool: return not connection.is_closed)


## Whether an Orion server is there. Asked once: it tells what is wrong better than a WebSocket that does not open.
func find(ending: Ending) -> Dictionary:
	if _is_found:
		return {"code": ""}
	var attempt := func(ms: float) -> Dictionary:
		var answer := await http.request({"path": "ping"}, ending, ms)
		if answer.code == "" and answer.bytes.get_string_from_ascii().strip_edges() != "pong":
			return Http.failure("not_orion")
		# While a server starts, the proxy before it answers with a 5xx.
		if answer.code == "unexpected_answer":
			return Http.failure("unreachable" if answer.status >= 500 else "not_orion")
		return answer
	var answer := await Retry.run(frames, attempt, ending, Retry.is_loss)
	_is_found = answer.code == ""
	return answer


## A connection in a lobby, or neither: the server's answer, and [param found] has the connection and the name. [param place]: the path of the WebSocket.
## [param ask_with]: gives the request of a connection, for a salt (names.gd). [param name]: what the player is called.
func enter(place: String, can: Array[String], ask_with: Callable, name: String, ending: Ending, found: Dictionary) -> Dictionary:
	var state := {"may_be_inside": false}
	var attempt := func(ms: float) -> Dictionary:
		var answer := await _enter_once(place, can, ask_with, "", ending, ms, found)
		# Two names that people have may come to the same name of Orion's.
		if answer.code == "name_taken" and Names.named(name, "").display != "":
			answer = await _enter_once(place, can, ask_with, str(randi()), ending, ms, found)
		state.may_be_inside = state.may_be_inside or Retry.is_loss(answer)
		return answer
	# A token is void once its connection is lost; and if only the answer was lost, the name is taken until the server has noticed.
	var passes := func(answer: Dictionary) -> bool:
		var is_leftover: bool = answer.code == "invalid_token" or (state.may_be_inside and answer.code == "name_taken")
		return Retry.is_loss(answer) or is_leftover
	return await Retry.run(frames, attempt, ending, passes)


## One attempt to come back to a lobby. [param found] has the connection.
func come_back(
	code: String,
	resume_key: String,
	request_id: String,
	heard_at: int,
	reconnect: bool,
	can: Array,
	ending: Ending,
	ms: float,
	found: Dictionary
) -> Dictionary:
	var path := "lobbies/%s" % code.uri_encode()
	var features: Array[String] = []
	features.assign(can)
	var ask_with := func(_connection: Connection, _salt: String) -> Dictionary:
		var body := {"resumeKey": resume_key, "requestId": request_id, "reconnect": reconnect}
		if heard_at >= 0:
			body["heardAt"] = heard_at
		return {"path": "%s/resume" % path, "body": body}
	# Its answer may have been lost: then this client is inside, and stays.
	return await _enter_once(path, features, ask_with, "", ending, ms, found, true)


## What passes: the connection was lost again, the server could not do it, or others of this network came back too often.
static func may_pass(answer: Dictionary) -> bool:
	return Retry.is_loss(answer) or answer.status >= 500 or answer.code in ["invalid_token", "returned_too_often"]


func _enter_once(
	place: String,
	can: Array[String],
	ask_with: Callable,
	salt: String,
	ending: Ending,
	ms: float,
	found: Dictionary,
	stays := false
) -> Dictionary:
	var until := Connection.now() + ms
	var connection := Connection.new()
	connection.open("ws%s%s" % [server.substr(4), place], can, tls)
	var failure := ""
	while not connection.is_registered and failure == "":
		connection.poll()
		if connection.is_registered:
			break
		if connection.problem != "":
			failure = connection.problem
		elif connection.is_closed:
			failure = "unreachable"
		elif ending.why() != "":
			failure = ending.why()
		elif Connection.now() > until:
			failure = "unanswered"
		else:
			await frames.passed
	if failure != "":
		_give_up(connection, false)
		return Http.failure(failure)
	var ask: Dictionary = ask_with.call(connection, salt)
	ask["method"] = HTTPClient.METHOD_POST
	ask.body["token"] = connection.secret_token
	ask.body["features"] = connection.features
	# It ends with the connection, too.
	var asking := Ending.new(ending)
	var done := {}
	_request(ask, asking, until - Connection.now(), done)
	while done.is_empty():
		await frames.passed
		connection.poll()
		if connection.is_closed and asking.code == "":
			asking.code = "disconnected"
	var answer: Dictionary = done.answer
	if answer.code == "" and LobbyView.of_picture(answer.json.get("lobby") if answer.json is Dictionary else null).is_empty():
		answer = Http.failure("unexpected_answer")
	if answer.code != "":
		_give_up(connection, stays)
		return answer
	found["connection"] = connection
	found["name"] = ask.get("name", "")
	return answer


func _request(ask: Dictionary, ending: Ending, ms: float, done: Dictionary) -> void:
	done["answer"] = await http.request(ask, ending, ms)


func _give_up(connection: Connection, stays: bool) -> void:
	if stays:
		connection.drop()
	else:
		connection.close()
	if not connection.is_closed:
		_closing.append(connection)
