extends RefCounted
## The UDP sockets of one mediation, which all its links share: one for each family. Polled.

const Addresses := preload("../wire/addresses.gd")
const Path := preload("../link/path.gd")

signal received(bytes: PackedByteArray, local: int, ip: String, port: int)

## Bytes that the engine holds for us while the game is busy.
const BUFFER_BYTES := 1 << 20
## Packets taken from one socket in one frame: a flood must not stop the game.
const MOST_IN_A_FRAME := 4_096

var _v4 := PacketPeerUDP.new()
## Null without IPv6.
var _v6: PacketPeerUDP = null


## Opens both at any free port, the same if it is free. False if there is no UDP.
func open() -> bool:
	if _v4.bind(0, "0.0.0.0", BUFFER_BYTES) != OK:
		return false
	if "".join(IP.get_local_addresses()).contains(":"):
		var v6 := PacketPeerUDP.new()
		if v6.bind(_v4.get_local_port(), "::", BUFFER_BYTES) == OK or v6.bind(0, "::", BUFFER_BYTES) == OK:
			_v6 = v6
	return true


func v4_port() -> int:
	return _v4.get_local_port()


## 0 without IPv6.
func v6_port() -> int:
	return _v6.get_local_port() if _v6 else 0


## Sends, or does not: UDP promises nothing.
func send(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	var socket := _v4 if local == Path.V4 else _v6
	if socket and socket.is_bound() and socket.set_dest_address(ip, port) == OK:
		socket.put_packet(bytes)


## The same, from the socket of the address's family.
func send_to(bytes: PackedByteArray, ip: String, port: int) -> void:
	send(bytes, Path.socket_for(ip), ip, port)


func poll() -> void:
	_drain(_v4, Path.V4)
	if _v6:
		_drain(_v6, Path.V6)


func close() -> void:
	_v4.close()
	if _v6:
		_v6.close()


func _drain(socket: PacketPeerUDP, local: int) -> void:
	for i in MOST_IN_A_FRAME:
		if not socket.is_bound() or not has_packet(socket):
			return
		var bytes := socket.get_packet()
		received.emit(bytes, local, Addresses.canonical(socket.get_packet_ip()), socket.get_packet_port())


## Whether there is a packet. A socket may say an error first, that of an earlier send.
static func has_packet(socket: PacketPeerUDP) -> bool:
	for i in 8:
		var count := socket.get_available_packet_count()
		if count >= 0:
			return count > 0
	return false
