extends RefCounted
## The relays over WebSocket that a client's links in one lobby use. A relay has one connection of a client, however many mediations there are. Polled.

const Message := preload("../wire/message.gd")
const RelayChannel := preload("relay_channel.gd")
const RelaySocket := preload("relay_socket.gd")
const Ticket := preload("../wire/ticket.gd")

var _server: String
var _tls: TLSOptions
## By relay and client.
var _sockets: Dictionary[String, RelaySocket] = {}


func _init(server: String, tls: TLSOptions) -> void:
	_server = server
	_tls = tls


## The way to one peer that a ticket gives: {ticket, key, lifeMs}. Null for a ticket that is for no such relay.
func channel(given: Dictionary) -> RelayChannel:
	var ticket := Message.text_of(given, "ticket")
	var parts := Ticket.parse(ticket)
	var relay := Ticket.websocket_relay_of(parts)
	if relay == "":
		return null
	return RelayChannel.new(
		parts.link, ticket, Message.text_of(given, "key"), Message.int_of(given, "lifeMs"), _socket_of.bind(relay)
	)


func poll() -> void:
	for name: String in _sockets.keys():
		_sockets[name].poll()
		if _sockets[name].is_idle():
			_sockets.erase(name)


## What was sent in this frame leaves in it.
func flush() -> void:
	for socket: RelaySocket in _sockets.values():
		socket.flush()


func _socket_of(relay: String) -> RelaySocket:
	if not _sockets.has(relay):
		_sockets[relay] = RelaySocket.new(_server, _tls)
	return _sockets[relay]
