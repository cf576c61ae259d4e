extends RefCounted
## The way to one peer by WebRTC, as docs/links.md has it: two channels with fixed numbers, and perfect negotiation by signals of the lobby. For web exports. Polled.

const Candidates := preload("rtc_candidates.gd")
const Message := preload("../wire/message.gd")
const Session := preload("../session/session.gd")

signal opened(kind: String)
signal closed(code: String)
signal received(bytes: PackedByteArray)
@warning_ignore("unused_signal")
signal noticed(code: String, in_ms: int)

const SIGNAL_KEY := "orion-webrtc"
## Bytes that may wait in the channel. Beyond that packets are dropped.
const WAITING_BYTES := 16 * 1024
## A connection that never opens is tried twice.
const MOST_CONNECTIONS := 2
const OPEN_MS := 15_000
const FAREWELL := 0xeb

## It needs no ticket.
var life_ms := 0

var _session: Session
var _peer_id: String
var _link_id: String
var _is_polite: bool
var _candidates: Candidates
var _ice_servers: Array = []
var _peer: WebRTCPeerConnection = null
## Channel 0: packets of the link. Channel 1: its farewell.
var _packets: WebRTCDataChannel = null
var _farewells: WebRTCDataChannel = null
## Which connection this is, what was signalled for it, and what has come.
var _connection := 0
var _number := 0
var _taken := 0
var _waiting: Dictionary[int, Dictionary] = {}
var _offer_number := -1
var _is_making_offer := false
var _is_open := false
var _is_over := false
var _give_up_at := 0


## [param told]: polite, near and relayOnly of the introduction.
func _init(session: Session, peer_id: String, link_id: String, told: Dictionary) -> void:
	_session = session
	_peer_id = peer_id
	_link_id = link_id
	_is_polite = Message.bool_of(told, "polite")
	_candidates = Candidates.new(Message.bool_of(told, "near"), Message.bool_of(told, "relayOnly"))


## Begins, once it is known which servers help.
func open() -> void:
	var answer := await _session.ask("/ice", {"method": HTTPClient.METHOD_POST, "body": {}})
	if _is_over:
		return
	if answer.code == "" and answer.json is Dictionary:
		_ice_servers = Message.dictionaries_of(answer.json, "iceServers")
	_begin(0)


func send(bytes: PackedByteArray) -> void:
	var channel := _farewells if bytes[0] == FAREWELL else _packets
	if channel == null or channel.get_ready_state() != WebRTCDataChannel.STATE_OPEN:
		return
	if channel.get_buffered_amount() < WAITING_BYTES:
		channel.put_packet(bytes)


## The peer is not heard: another connection takes this one's place.
func reopen() -> void:
	if _is_open and not _is_polite:
		_begin(_connection + 1)


func close() -> void:
	_is_over = true
	_drop()


## A signal of the peer's, from anybody: what is none, or comes at the wrong time, is dropped.
func hear(told: Variant) -> void:
	if _is_over or not told is Dictionary or told.get("link") != _link_id:
		return
	var connection := Message.int_of(told, "connection", -1)
	if connection < _connection or connection > _connection + MOST_CONNECTIONS:
		return
	if connection > _connection or _peer == null:
		_begin(connection)
	_waiting[Message.int_of(told, "number", -1)] = told
	# In the order in which they were said, each once.
	while _waiting.has(_taken) and not _is_over:
		var next := _waiting[_taken]
		_waiting.erase(_taken)
		_taken += 1
		_take(next)


func poll() -> void:
	if _peer == null or _is_over:
		return
	_peer.poll()
	for channel: WebRTCDataChannel in [_packets, _farewells]:
		channel.poll()
		while channel.get_available_packet_count() > 0:
			received.emit(channel.get_packet())
	var is_open := _packets.get_ready_state() == WebRTCDataChannel.STATE_OPEN
	if is_open and not _is_open:
		_is_open = true
		opened.emit("direct")
	elif not is_open and _is_open:
		_is_open = false
		closed.emit("")
	if not _is_open and Time.get_ticks_msec() > _give_up_at and _connection + 1 < MOST_CONNECTIONS and not _is_polite:
		_begin(_connection + 1)


func _begin(connection: int) -> void:
	_drop()
	_connection = connection
	_number = 0
	_taken = 0
	_waiting.clear()
	_give_up_at = Time.get_ticks_msec() + OPEN_MS
	_peer = WebRTCPeerConnection.new()
	var configuration := {"iceServers": _ice_servers}
	if _candidates.is_relay_only:
		configuration["iceTransportPolicy"] = "relay"
	_peer.initialize(configuration)
	_peer.session_description_created.connect(_described)
	_peer.ice_candidate_created.connect(_found_candidate)
	_packets = _peer.create_data_channel("packets", {"negotiated": true, "id": 0, "ordered": false, "maxRetransmits": 0})
	_farewells = _peer.create_data_channel("farewell", {"negotiated": true, "id": 1})
	# The end that is not polite makes the first offer.
	if not _is_polite:
		_is_making_offer = true
		_peer.create_offer()


func _take(told: Dictionary) -> void:
	match told.get("kind"):
		"offer":
			# Where both make an offer at once, the polite one takes its own back.
			if _is_making_offer and not _is_polite:
				return
			_offer_number = Message.int_of(told, "number")
			_is_making_offer = false
			_take_description("offer", told)
		"answer":
			if _is_making_offer:
				_is_making_offer = false
				_take_description("answer", told)
		"candidates":
			for candidate in Message.dictionaries_of(told, "candidates"):
				var line := Message.text_of(candidate, "candidate")
				if _candidates.may_take(line):
					_peer.add_ice_candidate(Message.text_of(candidate, "sdpMid"), Message.int_of(candidate, "sdpMLineIndex"), line)
		"wish":
			if not _is_polite and not _is_making_offer:
				_is_making_offer = true
				_peer.create_offer()


func _take_description(type: String, told: Dictionary) -> void:
	var sdp := _candidates.description(Message.text_of(told, "sdp"))
	if sdp != "":
		_peer.set_remote_description(type, sdp)


func _described(type: String, sdp: String) -> void:
	_peer.set_local_description(type, sdp)
	var about := {"kind": type, "sdp": sdp}
	if type == "answer":
		about["to"] = _offer_number
	else:
		_offer_number = _number
	_say(about)


func _found_candidate(media: String, index: int, line: String) -> void:
	if line != "":
		_say({"kind": "candidates", "candidates": [{"candidate": line, "sdpMid": media, "sdpMLineIndex": index}]})


func _say(about: Dictionary) -> void:
	about.merge({"link": _link_id, "connection": _connection, "number": _number})
	_number += 1
	_session.say("lobby_signal", {"to": _peer_id, "data": {SIGNAL_KEY: about}})


func _drop() -> void:
	if _is_open:
		_is_open = false
		closed.emit("")
	if _peer:
		_peer.close()
	_peer = null
