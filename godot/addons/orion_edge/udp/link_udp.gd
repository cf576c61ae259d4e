extends RefCounted
## The UDP of one link: the sockets that all links of its mediation share, those of its own, and its end of the relay. Polled.

const Addresses := preload("../wire/addresses.gd")
const RelayEnd := preload("relay_end.gd")
const UdpSockets := preload("udp_sockets.gd")

signal received(bytes: PackedByteArray, local: int, ip: String, port: int)
## What a relay says: {kind: "bound", is_peer_there}, {kind: "refused", code} or {kind: "notice", code, in_ms}.
signal relay_said(word: Dictionary)

## Bytes that the engine holds for one of the link's own sockets.
const BUFFER_BYTES := 1 << 14

## Null if there is none.
var relay: RelayEnd
var is_closed := false

var _sockets: UdpSockets
## By number; null where one is closed.
var _own: Array[PacketPeerUDP] = []


func _init(sockets: UdpSockets, relay_end: RelayEnd) -> void:
	_sockets = sockets
	relay = relay_end


func send(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	if local < 0:
		_sockets.send(bytes, local, ip, port)
	elif local < _own.size() and _own[local] and _own[local].set_dest_address(ip, port) == OK:
		_own[local].put_packet(bytes)


## Opens so many sockets more, as far as the system lets it. How many it became.
func open_sockets(count: int) -> int:
	for i in count:
		var socket := PacketPeerUDP.new()
		if socket.bind(0, "0.0.0.0", BUFFER_BYTES) != OK:
			break
		_own.append(socket)
	return _own.size()


## Closes all of those but one (-1: all).
func close_sockets(keep: int) -> void:
	for i in _own.size():
		if i != keep and _own[i]:
			_own[i].close()
			_own[i] = null


func poll() -> void:
	for i in _own.size():
		while not is_closed and _own[i] and UdpSockets.has_packet(_own[i]):
			var bytes := _own[i].get_packet()
			received.emit(bytes, i, Addresses.canonical(_own[i].get_packet_ip()), _own[i].get_packet_port())


func close() -> void:
	is_closed = true
	close_sockets(-1)


## Takes a sidecar's datagram, to this link or to another.
func hear(datagram: Dictionary, ip: String, port: int) -> void:
	if is_closed or relay == null or relay.ip != ip or relay.port != port:
		return
	var word := relay.hear(datagram)
	if not word.is_empty():
		relay_said.emit(word)
