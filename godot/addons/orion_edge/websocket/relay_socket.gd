extends RefCounted
## One relay over WebSocket, as a client uses it: one connection for all its links there. It is opened when the first link wants it, opened again when it
## breaks, and closed with the last link. Polled.

const Limits := preload("limits.gd")
const Message := preload("../wire/message.gd")
const Outbox := preload("outbox.gd")
const Packet := preload("../wire/peer_packet.gd")
const RelayChannel := preload("relay_channel.gd")
const RelayFrame := preload("../wire/relay_frame.gd")

const PROTOCOL := "orion-relay"
## Codes with which a ticket is refused: another one may do.
const REFUSALS: Array[String] = ["invalid_ticket", "ticket_expired", "ticket_superseded", "removed", "relay_full"]
## Reasons of closes after which the relay wants this client no more.
const DISMISSALS: Array[String] = [
	"The player was removed from the lobby, or has left it.",
	"This member has come back by another connection.",
]
const BUFFER_BYTES := 1 << 18

var _url: String
var _tls: TLSOptions
## By the number in their packets.
var _links: Dictionary[int, RelayChannel] = {}
var _current: WebSocketPeer = null
var _outbox: Outbox = null
## The one that is being opened, its first link, and until when.
var _next: WebSocketPeer = null
var _next_link: RelayChannel = null
var _next_until := INF
## Those that are closing, and until when each may take.
var _closing: Dictionary[WebSocketPeer, float] = {}
var _retry_at := INF
var _failures := 0
## The relay has dismissed this client: only a link that is new makes it come back.
var _is_dismissed := false
var _heard_at := -INF
var _opened_at := -INF
var _to_bind: Array[RelayChannel] = []


## [param url]: the server's, with http or https.
func _init(url: String, tls: TLSOptions) -> void:
	_url = "ws%s" % url.substr(4).path_join("relay")
	_tls = tls


static func now() -> float:
	return Time.get_ticks_usec() / 1000.0


func is_idle() -> bool:
	return _links.is_empty() and _closing.is_empty()


## Binds a link, and keeps it bound.
func add(link: RelayChannel) -> void:
	_links[link.number] = link
	_is_dismissed = false
	if _current:
		bind(link)
	elif _next == null and _retry_at == INF:
		_connect()


## Binds it with the ticket that it has now.
func bind(link: RelayChannel) -> void:
	if _current and link not in _to_bind:
		_to_bind.append(link)


func remove(link: RelayChannel) -> void:
	if _links.get(link.number) != link:
		return
	# The farewell may still wait.
	if _outbox:
		_outbox.flush(now())
	_links.erase(link.number)
	_to_bind.erase(link)
	if not _links.is_empty():
		return
	_retry_at = INF
	_close(_current)
	_close(_next)
	_drop()
	_next = null


func send(link: RelayChannel, packet: PackedByteArray) -> void:
	if _outbox:
		_outbox.add(link.number, packet, now())


## Somebody hears nothing by it. Where nothing at all comes, the address may have changed: another connection is opened.
func reopen() -> void:
	var at := now()
	if _is_dismissed or _next or _retry_at != INF or at - _heard_at < Limits.ALIVE_MS:
		return
	if at - _opened_at >= Limits.REOPEN_MS:
		_connect()


func poll() -> void:
	var at := now()
	for socket: WebSocketPeer in _closing.keys():
		socket.poll()
		if socket.get_ready_state() == WebSocketPeer.STATE_CLOSED or at > _closing[socket]:
			_closing.erase(socket)
	if at >= _retry_at:
		_retry_at = INF
		_connect()
	if _next:
		_poll_next(at)
	if _current:
		_poll_current(at)


## What waits leaves in the same frame in which it was sent.
func flush() -> void:
	if _current and _current.get_ready_state() == WebSocketPeer.STATE_OPEN:
		_say_bind()
		_outbox.poll(now())


func _poll_next(at: float) -> void:
	_next.poll()
	match _next.get_ready_state():
		WebSocketPeer.STATE_OPEN:
			# A server that knows no relays may take any WebSocket.
			if _next.get_selected_protocol() == PROTOCOL:
				_begin()
			else:
				_fail()
		WebSocketPeer.STATE_CLOSED:
			_fail()
		_:
			if at > _next_until:
				_fail()


func _poll_current(_at: float) -> void:
	var socket := _current
	socket.poll()
	while socket == _current and socket.get_available_packet_count() > 0:
		var bytes := socket.get_packet()
		_heard_at = now()
		if socket.was_string_packet():
			_hear_text(bytes.get_string_from_utf8())
		else:
			_hear_frame(bytes)
	if socket == _current and socket.get_ready_state() == WebSocketPeer.STATE_CLOSED:
		_is_dismissed = socket.get_close_reason() in DISMISSALS
		_lose()


func _connect() -> void:
	if _links.is_empty():
		return
	# One ticket may be bad, and the others good.
	var links := _links.values()
	var first: RelayChannel = links[_failures % links.size()]
	_opened_at = now()
	var socket := WebSocketPeer.new()
	socket.supported_protocols = PackedStringArray([PROTOCOL, "%s.%s" % [first.ticket, first.key]])
	socket.inbound_buffer_size = BUFFER_BYTES
	socket.outbound_buffer_size = BUFFER_BYTES
	if socket.connect_to_url(_url, _tls) != OK:
		_retry()
		return
	_next = socket
	_next_link = first
	_next_until = _opened_at + Limits.OPEN_MS


## The connection is there, and the relay has the ticket that it was opened with.
func _begin() -> void:
	_close(_current)
	_drop()
	_current = _next
	_next = null
	if not OS.has_feature("web"):
		_current.set_no_delay(true)
	_outbox = Outbox.new(_current)
	for link: RelayChannel in _links.values():
		if link != _next_link:
			bind(link)


func _say_bind() -> void:
	if _to_bind.is_empty():
		return
	var tickets := _to_bind.map(func(link: RelayChannel) -> Dictionary: return {"ticket": link.ticket, "key": link.key})
	_to_bind.clear()
	_current.send_text(Message.encode("relay_bind", {"tickets": tickets}))


## It could not be opened, or not in time. Another, which is silent, may still be there.
func _fail() -> void:
	_close(_next)
	_next = null
	_retry()


func _lose() -> void:
	if now() - _opened_at > Limits.GOOD_MS:
		_failures = 0
	_drop()
	for link: RelayChannel in _links.values():
		link.closed.emit("")
	if _next == null and _retry_at == INF:
		_retry()


func _drop() -> void:
	_current = null
	_outbox = null
	_to_bind.clear()


func _retry() -> void:
	if _links.is_empty() or _is_dismissed:
		return
	var wait := minf(Limits.RETRY_MOST_MS, Limits.RETRY_MS * (1 << mini(_failures, 10)))
	_failures += 1
	# All clients of a relay that ends would come back at once.
	_retry_at = now() + wait * randf_range(0.5, 1.0)


func _close(socket: WebSocketPeer) -> void:
	if socket == null or socket.get_ready_state() == WebSocketPeer.STATE_CLOSED:
		return
	socket.close(1000)
	_closing[socket] = now() + Limits.CLOSE_MS


func _hear_frame(frame: PackedByteArray) -> void:
	var packets := RelayFrame.packets_of(frame)
	_outbox.count_received(frame.size(), packets.size(), now())
	for packet in packets:
		if not Packet.is_packet(packet) or packet.size() > RelayFrame.LONGEST_PACKET:
			continue
		var link: RelayChannel = _links.get(Packet.link_of(packet))
		if link:
			link.received.emit(packet)


func _hear_text(text: String) -> void:
	var message := Message.decode(text)
	if message.is_empty():
		return
	var payload: Dictionary = message.payload
	var id := Message.text_of(payload, "link")
	var code := Message.text_of(payload, "code")
	for link: RelayChannel in _links.values():
		if id != "" and id != link.id:
			continue
		match message.method:
			"relay_bound":
				if Message.bool_of(payload, "peer"):
					link.opened.emit("websocket")
				else:
					link.closed.emit("")
			"relay_refused":
				# It was bound here: the relay has forgotten it.
				if code == "not_bound":
					bind(link)
				link.closed.emit(code if code in REFUSALS else "")
			"relay_notice":
				link.noticed.emit(code, Message.int_of(payload, "inMs"))
