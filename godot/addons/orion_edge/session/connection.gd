extends RefCounted
## One WebSocket. To the server it is the client: both end together. Polled.

const Message := preload("../wire/message.gd")

## Close codes: who closes with the first leaves its lobby; with the second it may come back.
const LEAVING := 1000
const DROPPING := 4000
## Milliseconds in which the server answers a ping, and to wait for its close frame.
const PONG_MS := 10_000.0
const CLOSE_MS := 2_000.0
## Milliseconds by which a frame is late only if the program slept or was busy.
const LATE_MS := 1_000.0
const BUFFER_BYTES := 1 << 18

var client_id := ""
## The client's secrets: never in a URL or a log. The second is for HTTP.
var token := ""
var secret_token := ""
var features: Array[String] = []
## The server has said who this client is.
var is_registered := false
## It is not an Orion server, or one that does not know the additions.
var problem := ""
var is_closed := false
var close_code := -1
var close_reason := ""

var _socket := WebSocketPeer.new()
var _inbox: Array[Dictionary] = []
var _ping_ms := 0.0
var _ping_at := INF
var _pong_until := INF
var _polled_at := 0.0
var _close_until := INF


static func now() -> float:
	return Time.get_ticks_usec() / 1000.0


## [param url]: with ws or wss. [param can]: features that the server is told.
func open(url: String, can: Array[String], tls: TLSOptions) -> void:
	features = ["pings"]
	features.append_array(can)
	_socket.inbound_buffer_size = BUFFER_BYTES
	_socket.outbound_buffer_size = BUFFER_BYTES
	_polled_at = now()
	if _socket.connect_to_url(url, tls) != OK:
		is_closed = true


func poll() -> void:
	if is_closed:
		return
	var at := now()
	_socket.poll()
	while _socket.get_available_packet_count() > 0:
		_pong_until = INF
		var bytes := _socket.get_packet()
		if _socket.was_string_packet():
			_hear(bytes.get_string_from_utf8())
	if _socket.get_ready_state() == WebSocketPeer.STATE_CLOSED:
		is_closed = true
		close_code = _socket.get_close_code()
		close_reason = _socket.get_close_reason()
	elif at > _close_until:
		is_closed = true
	elif _pong_until < at:
		_miss(at)
	elif at >= _ping_at:
		_ping(at)
	_polled_at = at


## What has come since the last call: {method, payload}.
func take_messages() -> Array[Dictionary]:
	var taken := _inbox
	_inbox = []
	return taken


## Whether messages can be said.
func is_open() -> bool:
	return is_registered and not is_closed and _socket.get_ready_state() == WebSocketPeer.STATE_OPEN


## Sends a message in this client's name. After the end it does nothing.
func say(method: String, payload: Dictionary = {}) -> void:
	if not is_open():
		return
	var said := {"token": token}
	said.merge(payload)
	_socket.send_text(Message.encode(method, said))


## Gives the connection up, but not the place in the lobby.
func drop() -> void:
	_close(DROPPING)


## The client has left. Poll it until it is closed.
func close() -> void:
	_close(LEAVING)


func _close(with_code: int) -> void:
	if is_closed or _close_until != INF:
		return
	_close_until = now() + CLOSE_MS
	_ping_at = INF
	_pong_until = INF
	if _socket.get_ready_state() == WebSocketPeer.STATE_CONNECTING:
		_socket.close(-1)
		is_closed = true
	else:
		_socket.close(with_code)


func _hear(text: String) -> void:
	var message := Message.decode(text)
	if is_registered:
		if not message.is_empty():
			_inbox.append(message)
		return
	if message.get("method") != "client_registered":
		problem = "not_orion"
		return
	var payload: Dictionary = message.payload
	token = Message.text_of(payload, "token")
	secret_token = Message.text_of(payload, "secretToken")
	client_id = Message.text_of(payload, "clientId")
	_ping_ms = float(Message.int_of(payload, "pingMs"))
	if token == "" or secret_token == "" or client_id == "" or _ping_ms <= 0.0:
		problem = "too_old"
		return
	is_registered = true
	_ping_at = now() + _ping_ms
	if not OS.has_feature("web"):
		_socket.set_no_delay(true)
	say("client_pings")
	say("client_features", {"features": features})


func _ping(at: float) -> void:
	_socket.send_text("ping")
	_ping_at = at + _ping_ms
	_pong_until = minf(_pong_until, at + PONG_MS)


## No answer came in time. If this program slept or was busy, it may be there, and not read yet.
func _miss(at: float) -> void:
	if at - _polled_at > LATE_MS:
		_pong_until = INF
		_ping(at)
		return
	_close(DROPPING)
	is_closed = true
