class_name ConformancePlayer
extends Node
## The addon as a client under test of the conformance kit (docs/writing-a-client.md): it does what the kit's player orders by chat, and sends back what
## comes on its links.

## A stream that comes without a path of a known speed sends at this one, in bytes a second.
const STREAM_RATE := 1e6

var _orion := OrionEdge.new()
var _lobby: OrionLobby = null
var _streams: Array[Stream] = []


class Stream:
	var link: OrionLink
	var stream := OrionReliableStream.new(now())

	func _init(of_link: OrionLink) -> void:
		link = of_link
		stream.change_path(link.round_trip_ms, STREAM_RATE, now())
		link.segment_received.connect(hear)

	func hear(segment: PackedByteArray) -> void:
		stream.hear(segment, now())
		for message in stream.take_messages():
			stream.push(message, now())
		flush()

	func tick() -> void:
		if stream.wake_at(now()) <= now():
			stream.tick(now())
			flush()

	func flush() -> void:
		for packet in stream.take_packets():
			link.send_segment(packet)

	static func now() -> float:
		return Time.get_ticks_usec() / 1000.0


## [param level], [param role] and [param code] are the kit's words.
func play(url: String, level: String, role: String, code: String) -> void:
	_orion.server_url = url
	add_child(_orion)
	var result: OrionResult
	if role == "host":
		var options := {"name": "Client", "max_players": 4, "on_loss": "abort"}
		if level == "staying":
			options.merge({"lifetime": "session", "on_host_loss": "migrate", "on_loss": "continue"}, true)
		result = await _orion.host(options)
	else:
		result = await _orion.join(code, {"name": "Client"})
	if not result.is_ok:
		print("The client under test: ", result)
		return
	_lobby = result.lobby
	_lobby.link_opened.connect(_echo)
	_lobby.chat_received.connect(_obey)


func _obey(_from: String, text: String, _at_ms: int, _was_missed: bool) -> void:
	if text.begins_with("kit: say "):
		_lobby.chat(text.trim_prefix("kit: say "))
	elif text == "kit: start":
		_lobby.start()
	elif text == "kit: leave":
		_lobby.leave()


func _echo(id: String) -> void:
	var link := _lobby.links[id]
	link.packet_received.connect(func(packet: PackedByteArray) -> void: link.send(packet))
	_streams.append(Stream.new(link))


func _process(_delta: float) -> void:
	for stream in _streams:
		stream.tick()
