## One other player: the link to it, a reliable stream on that link, and what the two have told each other.
##
## A message of the reliable stream begins with one byte for its kind and one for the channel.
extends RefCounted

const Datagrams := preload("datagrams.gd")
const Limits := preload("../reliable/limits.gd")

## A packet of the engine has come.
signal packet_received(connection: RefCounted, mode: int, channel: int, packet: PackedByteArray)
## The other player's peer tells this one something.
signal told(connection: RefCounted, words: Dictionary)

enum Kind { PACKET, MORE, WORDS }

const HEADER_BYTES := 2
const PART_BYTES := Limits.MESSAGE_BYTES - HEADER_BYTES
## Bytes of the longest reliable packet.
const MOST_BYTES := 1024 * 1024
## Bytes a second that the stream sends over each kind of path, as in the SDK: a relay is shared.
const RATES: Dictionary[String, float] = {"turn": 262144.0, "relay": 98304.0, "websocket": 40960.0}

## An OrionLink. Not typed, so that tests can have one without sockets.
var link
## The client id of the other player.
var player_id := ""
## What the engine calls it. 0 as long as it is not connected, for the engine.
var peer_id := 0
## The host that it goes by, as its last hello says. Empty before the first.
var heard_host := ""
## The host that this one has told it.
var told_host := ""
## The last roster that it has told, unless it was taken.
var told_ids := {}
## Whether the engine is not told when this connection ends.
var is_silent := false
var _stream: OrionReliableStream
var _datagrams := Datagrams.new()
## The beginning of a packet that takes several messages.
var _begun := PackedByteArray()


func _init(the_link: Object, the_player_id: String) -> void:
	link = the_link
	player_id = the_player_id
	_stream = OrionReliableStream.new(_now())
	_change_path("")
	link.packet_received.connect(_take_datagram)
	link.segment_received.connect(_take_segment)
	link.path_changed.connect(_change_path)


## Whether both go by this host.
func agrees_on(host_id: String) -> bool:
	return heard_host == host_id and told_host == host_id


func say_hello(host_id: String) -> void:
	told_host = host_id
	_datagrams.own_epoch += 1
	tell({"hello": host_id, "epoch": _datagrams.own_epoch})


func tell(words: Dictionary) -> void:
	_push(Kind.WORDS, 0, JSON.stringify(words).to_utf8_buffer())


func send_reliable(channel: int, packet: PackedByteArray) -> Error:
	if packet.size() > MOST_BYTES:
		push_error("A reliable packet has %d bytes, and may have %d." % [packet.size(), MOST_BYTES])
		return ERR_INVALID_PARAMETER
	if _stream.waiting + packet.size() > Limits.WAITING_BYTES:
		push_error("Too much waits for player %s. Send less, or disconnect it." % player_id)
		return ERR_OUT_OF_MEMORY
	var sent := 0
	while packet.size() - sent > PART_BYTES:
		_push(Kind.MORE, channel, packet.slice(sent, sent + PART_BYTES))
		sent += PART_BYTES
	_push(Kind.PACKET, channel, packet if sent == 0 else packet.slice(sent))
	return OK


func send_unreliable(is_ordered: bool, channel: int, packet: PackedByteArray) -> Error:
	if packet.size() > Datagrams.MOST_BYTES:
		var sentence := "An unreliable packet has %d bytes, and may have %d: send it reliably."
		push_error(sentence % [packet.size(), Datagrams.MOST_BYTES])
		return ERR_INVALID_PARAMETER
	var result := OK
	for datagram in _datagrams.split(is_ordered, channel, packet):
		var error: Error = link.send(datagram)
		if error:
			result = error
	return result


## The part of 1 that is lost of the unreliable packets of the other player. Negative while it is not known.
func loss() -> float:
	return _datagrams.loss()


## Does what the stream has to do by now.
func tick() -> void:
	var now := _now()
	if _stream.wake_at(now) <= now:
		_stream.tick(now)
		_flush()


func close() -> void:
	link.packet_received.disconnect(_take_datagram)
	link.segment_received.disconnect(_take_segment)
	link.path_changed.disconnect(_change_path)
	link.close()


func _push(kind: Kind, channel: int, bytes: PackedByteArray) -> void:
	var message := PackedByteArray([kind, channel])
	message.append_array(bytes)
	_stream.push(message, _now())
	_flush()


func _flush() -> void:
	for packet in _stream.take_packets():
		link.send_segment(packet)
	for message in _stream.take_messages():
		_take_message(message)


func _take_segment(segment: PackedByteArray) -> void:
	_stream.hear(segment, _now())
	_flush()
	if _stream.is_broken:
		link.close()


func _take_datagram(datagram: PackedByteArray) -> void:
	if _datagrams.take(datagram):
		packet_received.emit(self, _datagrams.mode, _datagrams.channel, _datagrams.packet)


func _take_message(message: PackedByteArray) -> void:
	if message.size() < HEADER_BYTES:
		return
	var bytes := message.slice(HEADER_BYTES)
	match message[0]:
		Kind.WORDS:
			var words: Variant = JSON.parse_string(bytes.get_string_from_utf8())
			if words is Dictionary:
				_hear(words)
		Kind.MORE:
			_begun.append_array(bytes)
			if _begun.size() > MOST_BYTES:
				link.close()
		Kind.PACKET:
			if not _begun.is_empty():
				_begun.append_array(bytes)
				bytes = _begun
				_begun = PackedByteArray()
			packet_received.emit(self, MultiplayerPeer.TRANSFER_MODE_RELIABLE, message[1], bytes)


func _hear(words: Dictionary) -> void:
	if words.get("hello") is String and words.get("epoch") is float:
		heard_host = words.hello
		_datagrams.begin(int(words.epoch))
	if words.get("ids") is Dictionary:
		told_ids = words.ids
	told.emit(self, words)


func _change_path(_path: String) -> void:
	_stream.change_path(link.round_trip_ms, RATES.get(link.path_kind, INF), _now())
	_flush()


static func _now() -> float:
	return Time.get_ticks_usec() / 1000.0
