extends RefCounted
## The way to one peer by a relay over WebSocket, that a ticket gives. It may close and open again as often as it likes.

const Packet := preload("../wire/peer_packet.gd")
const Ticket := preload("../wire/ticket.gd")

## Packets may go this way now.
signal opened(kind: String)
## For now, or for good: then the relay has refused the link with this code.
signal closed(code: String)
## A packet came in. The link proves whose it is.
signal received(bytes: PackedByteArray)
signal noticed(code: String, in_ms: int)

var id := ""
## The same, as packets have it.
var number := 0
var ticket := ""
var key := ""
var life_ms := 0

## Gives the socket: it is made when a link opens.
var _socket_of: Callable
var _socket: RefCounted = null


## [param socket_of]: gives a relay_socket.gd.
func _init(link_id: String, with_ticket: String, with_key: String, for_ms: int, socket_of: Callable) -> void:
	id = link_id
	number = Packet.link_number(link_id)
	ticket = with_ticket
	key = with_key
	life_ms = for_ms
	_socket_of = socket_of


## Takes a later ticket. False if it is another's.
func renew(later_ticket: String, later_key: String) -> bool:
	var later := Ticket.parse(later_ticket)
	if later.is_empty() or later.link != id or later.relay != Ticket.parse(ticket).get("relay"):
		return false
	ticket = later_ticket
	key = later_key
	if _socket:
		_socket.bind(self)
	return true


func open() -> void:
	_socket = _socket_of.call()
	_socket.add(self)


func send(bytes: PackedByteArray) -> void:
	if _socket:
		_socket.send(self, bytes)


func reopen() -> void:
	if _socket:
		_socket.reopen()


func close() -> void:
	var socket := _socket
	_socket = null
	if socket:
		socket.remove(self)
