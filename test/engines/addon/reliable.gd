## One end of a reliable stream over UDP. Its arguments: the port of the other end, and the lengths of the messages to send.
extends SceneTree

var socket := PacketPeerUDP.new()
var stream := OrionReliableStream.new(now())
var awaited := 0
var got := []


func _initialize() -> void:
	var args := OS.get_cmdline_user_args()
	Engine.max_fps = 200
	socket.connect_to_host("127.0.0.1", int(args[0]))
	var lengths: Array = JSON.parse_string(args[1])
	awaited = lengths.size()
	for i in lengths.size():
		stream.push(numbered(100 + i, lengths[i]), now())
	print("refused ", stream.push(numbered(0, 65537), now()))


func _process(_delta: float) -> bool:
	while socket.get_available_packet_count() > 0:
		stream.hear(socket.get_packet(), now())
	if stream.wake_at(now()) <= now():
		stream.tick(now())
	for packet in stream.take_packets():
		socket.put_packet(packet)
	for message in stream.take_messages():
		var number := got.size()
		got.append(message.size())
		if message != numbered(number, message.size()):
			print("wrong ", number)
		if got.size() == awaited:
			print("got ", JSON.stringify(got))
	if stream.is_broken:
		print("broken")
		quit()
	return false


func now() -> float:
	return Time.get_ticks_usec() / 1000.0


## A message that tells its number, of so many bytes.
func numbered(number: int, length: int) -> PackedByteArray:
	var bytes := PackedByteArray()
	bytes.resize(length)
	for i in length:
		bytes[i] = (number * 31 + i) & 255
	return bytes
