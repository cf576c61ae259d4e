extends RefCounted
## Our end of a link to one peer: does what the link's state machine (machine.gd) decides. Polled.
##
## Packets are made and read by packets.gd alone. They leave by the socket that the path in use names, and come in by [method receive], whichever it is.

const Addresses := preload("../wire/addresses.gd")
const Config := preload("config.gd")
const Ladder := preload("ladder.gd")
const LinkUdp := preload("../udp/link_udp.gd")
const Limits := preload("limits.gd")
const Machine := preload("machine.gd")
const Packet := preload("../wire/peer_packet.gd")
const Packets := preload("packets.gd")
const Path := preload("path.gd")
const Sealing := preload("../sealing/sealing.gd")
const Turns := preload("turns.gd")
const Unproven := preload("unproven.gd")

## The link is usable, or is over without ever having been.
signal decided
signal control_received(message: PackedByteArray)
## It may need the relay more, or less, than before.
signal needs_changed

const PACKET_KINDS := {"check": Packet.CHECK, "answer": Packet.ANSWER, "farewell": Packet.FAREWELL}
## Addresses from which the game's packets are taken.
const MOST_PROVEN := 64
## Milliseconds between two words to the machine that packets of the game still come from an address.
const ALIVE_MS := 250.0
## Packets that wait for keys that are being computed, and until the game knows of the link.
const MOST_HELD := 16
const MOST_EARLY := 64
## Lines of the timeline for the relay's notices, and characters of a line.
const MOST_NOTICES := 8
const LINE_CHARACTERS := 80

var link: OrionLink
## Of its packets (peer_packet.gd).
var number := 0
var is_over := false
## Where a change of the path did not end it: the peer's id, and what kept the two apart.
var peer_id := ""
var peer_name := ""

var _config: Config
var _packets: Packets
## Null without UDP.
var _udp: LinkUdp
## By path.gd's names: the relay over WebSocket, and WebRTC.
var _channels: Dictionary[int, RefCounted]
var _turns: Turns
var _unproven: Unproven
var _machine: Machine = null
var _opened_at := 0.0
## By socket and address, when the machine was last told that packets come from there.
var _proven: Dictionary[String, float] = {}
var _path: Machine.Candidate = null
## The path in use, as it is in _proven.
var _place := ""
var _verdict := ""
var _is_closing := false
var _has_settled := false
var _is_decided := false
var _is_working := false
var _notices_left := MOST_NOTICES
var _held: Array[Array] = []
var _is_handed_out := false
var _early: Array[Array] = []
var _wake_at := 0.0


func _init(
	config: Config,
	packets: Packets,
	udp: LinkUdp,
	channels: Dictionary[int, RefCounted],
	turns: Turns,
	unproven: Unproven
) -> void:
	_config = config
	_packets = packets
	_udp = udp
	_channels = channels
	_turns = turns
	_unproven = unproven


static func now() -> float:
	return Time.get_ticks_usec() / 1000.0


## Begins to look for paths.
func open() -> void:
	_opened_at = now()
	link.is_encrypted = _packets.is_encrypted
	if _udp:
		_udp.received.connect(receive)
		_udp.relay_said.connect(_hear_relay)
	_machine = Machine.new(_config, now())
	_work()
	for local: int in _channels:
		var channel := _channels[local]
		channel.opened.connect(_channel_opened.bind(local))
		channel.closed.connect(_channel_closed.bind(local))
		channel.received.connect(_channel_received.bind(local))
		channel.noticed.connect(_hear_notice)
		channel.open()


func is_usable() -> bool:
	return _path != null and not is_over


## Whether nothing has come for so long that the peer has given the link up. This end has not, so its program did not run.
func is_given_up() -> bool:
	if not is_usable():
		return false
	var heard_at := -INF
	for candidate in _machine.state.candidates:
		heard_at = maxf(heard_at, candidate.heard_at)
	return now() - heard_at > Limits.DEAD_MS + Limits.GRACE_MS


## Whether it is over a relay, or may come to be.
func needs_relay() -> bool:
	if is_over or holders().is_empty():
		return false
	return not _has_settled or _path == null or not Path.is_straight(_path.kind)


## What holds tickets that are renewed as long as the link is not over.
func holders() -> Array[RefCounted]:
	var found: Array[RefCounted] = []
	if is_over:
		return found
	if _udp and _udp.relay and _udp.relay.life_ms > 0:
		found.append(_udp.relay)
	if _channels.has(Path.WS) and _channels[Path.WS].life_ms > 0:
		found.append(_channels[Path.WS])
	return found


## A later ticket for what holds one of this link.
func ticket_renewed(holder: RefCounted) -> void:
	if _udp and holder == _udp.relay:
		_machine.ticket_renewed(now())
		_work()


## The game has the link: what came before is given to it in the next frame.
func hand_out() -> void:
	_is_handed_out = true


## The path that a report tells of; empty without one.
func path_kind() -> String:
	return _path.kind if is_usable() else ""


func send(kind: int, payload: PackedByteArray) -> Error:
	if not is_usable() or _is_closing:
		return ERR_UNAVAILABLE
	var packet := _packets.data(kind, payload)
	if packet.is_empty():
		return ERR_UNAVAILABLE
	_transmit(packet, _path.local, _path.ip, _path.port)
	return OK


## The peer's signal by the lobby.
func hear_signal(signal_data: Variant) -> void:
	if not is_over and _channels.has(Path.RTC):
		_channels[Path.RTC].hear(signal_data)


## Says farewell, and is over. [param verdict]: the cause that the game is told; empty if it wanted it.
func close(verdict := "") -> void:
	if is_over or _is_closing:
		return
	_is_closing = true
	_verdict = verdict
	if _machine == null:
		_end(verdict)
		return
	_machine.close_requested(now())
	_work()


## Says farewell as often as it can at once, and is over.
func close_now(verdict := "") -> void:
	close(verdict)
	while not is_over:
		_machine.wake(_machine.wake_at())
		_work()


func poll() -> void:
	if is_over or _machine == null:
		return
	if _udp:
		_udp.poll()
	if _channels.has(Path.RTC):
		_channels[Path.RTC].poll()
	if not _held.is_empty() and not _packets.is_busy():
		var held := _held
		_held = []
		for arrival in held:
			receive.callv(arrival)
	if _is_handed_out and not _early.is_empty():
		var early := _early
		_early = []
		for one in early:
			_give(one[0], one[1])
	var at := now()
	if at >= _wake_at and not is_over:
		_machine.wake(at)
		_work()


func turn_given() -> void:
	_machine.turn_given(now())
	_work()


func turn_over() -> void:
	_machine.turn_over(now())
	_work()


## Takes a packet from anywhere: whoever it is from, it does no harm.
func receive(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	if is_over or not Packet.is_packet(bytes) or Packet.link_of(bytes) != number:
		return
	if bytes[0] == Packet.DATA or bytes[0] == Packet.SEALED:
		_take_data(bytes, local, ip, port)
	else:
		_take_signed(bytes, local, ip, port)


func _take_data(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	# To make the text costs more than to see that it is the same as before.
	var is_in_use := _path != null and port == _path.port and local == _path.local and ip == _path.ip
	var place := _place if is_in_use else _place_of(local, ip, port)
	if _is_closing or not _proven.has(place) or not _packets.read_data(bytes):
		return
	var at := now()
	if at - _proven[place] >= ALIVE_MS:
		_proven[place] = at
		if _machine.data_received(local, ip, port, at):
			_work()
	if _packets.opened_kind == Sealing.CONTROL:
		control_received.emit(_packets.opened)
	elif _is_handed_out and _early.is_empty():
		_give(_packets.opened_kind, _packets.opened)
	else:
		_early.append([_packets.opened_kind, _packets.opened])
		if _early.size() > MOST_EARLY:
			_early.pop_front()


func _give(kind: int, payload: PackedByteArray) -> void:
	if link == null:
		return
	if kind == Sealing.RELIABLE:
		link.segment_received.emit(payload)
	else:
		link.packet_received.emit(payload)


func _take_signed(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	var read := _packets.read_signed(bytes)
	if read == Packets.LATER and _held.size() < MOST_HELD:
		_held.append([bytes, local, ip, port])
	if read < 0:
		return
	link.safety_code = _packets.safety_code
	var at := now()
	var is_new := false
	match bytes[0]:
		Packet.CHECK:
			is_new = _machine.check_received(read, local, ip, port, at)
		Packet.ANSWER:
			is_new = _machine.answer_received(read, local, ip, port, at)
		Packet.FAREWELL:
			_machine.farewell_received(read, local, ip, port, at)
	# A packet that changes nothing was sent before, and may come from anybody who has heard it then.
	if is_new:
		_prove(_place_of(local, ip, port))
	_work()


func _prove(place: String) -> void:
	var told_at: float = _proven.get(place, -INF)
	# The one not heard for longest is the first.
	_proven.erase(place)
	_proven[place] = told_at
	if _proven.size() > MOST_PROVEN:
		_proven.erase(_proven.keys()[0])


func _hear_relay(word: Dictionary) -> void:
	match word.kind:
		"bound":
			_machine.relay_bound(word.is_peer_there, now())
		"refused":
			_machine.relay_refused(word.code, now())
		"notice":
			_hear_notice(word.code, word.in_ms)
	_work()


func _hear_notice(code: String, in_ms: int) -> void:
	if _notices_left > 0:
		_note("relay: %s in %d ms" % [code, in_ms])
	_notices_left -= 1
	if link:
		link.relay_noticed.emit(code, in_ms)


func _channel_opened(kind: String, local: int) -> void:
	_machine.channel_opened(local, kind, now())
	_work()


func _channel_closed(code: String, local: int) -> void:
	_machine.channel_closed(local, code, now())
	_work()


func _channel_received(bytes: PackedByteArray, local: int) -> void:
	receive(bytes, local, "", 0)


## Does what the machine wants. What an effect brings about comes after it.
func _work() -> void:
	if _is_working:
		return
	_is_working = true
	while not _machine.state.effects.is_empty():
		for effect in _machine.take_effects():
			_do(effect)
	_is_working = false
	_wake_at = _machine.wake_at()
	if link and _path:
		link.round_trip_ms = snappedf(_path.round_trip_ms, 0.1)
		link.cause = Ladder.cause_in_use(_machine.state)


func _do(effect: Dictionary) -> void:
	match effect.kind:
		"send":
			if effect.where != "" and not _unproven.may_send(effect.where, effect.worth, now()):
				if effect.packet == "check":
					_machine.check_withheld(effect.number, now())
				return
			_transmit(_packets.signed(PACKET_KINDS[effect.packet], effect.number), effect.local, effect.ip, effect.port)
		"bind-relay":
			if _udp and _udp.relay:
				_udp.relay.bind()
		"reopen-channel":
			_channels[effect.local].reopen()
		"ask-turn":
			_turns.ask(self)
		"end-turn":
			_turns.end(self)
		"open-sockets":
			_machine.sockets_opened(_udp.open_sockets(effect.count) if _udp else 0, now())
		"close-sockets":
			if _udp:
				_udp.close_sockets(effect.keep)
		"use-path":
			_use(effect.path)
		"settle":
			_has_settled = true
			needs_changed.emit()
			if link:
				link.settled.emit(effect.cause)
		"end":
			_end(effect.cause)
		"note":
			_note(effect.event)


func _use(path: Machine.Candidate) -> void:
	var before := link.path_kind
	_path = path
	_place = _place_of(path.local, path.ip, path.port)
	link.path_kind = path.kind
	link.path = _public_path(path)
	link.round_trip_ms = snappedf(path.round_trip_ms, 0.1)
	link.cause = Ladder.cause_in_use(_machine.state)
	needs_changed.emit()
	if not _is_decided:
		_decide()
	elif before != path.kind:
		link.path_changed.emit(link.path)


func _decide() -> void:
	if not _is_decided:
		_is_decided = true
		decided.emit()


func _end(cause: String) -> void:
	if is_over:
		return
	is_over = true
	var final := cause
	if _verdict != "":
		final = _verdict
	elif _path == null and cause != "" and _packets.cause != "":
		final = _packets.cause
	_note("closed" if final == "" else "over: %s" % final)
	if _udp:
		_udp.close()
	for channel: RefCounted in _channels.values():
		channel.close()
	_turns.end(self)
	link.cause = final
	var ended := link
	# The two refer to each other as long as the link lives.
	link = null
	needs_changed.emit()
	_decide()
	ended.closed.emit(final)


func _transmit(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	if Path.is_channel(local):
		_channels[local].send(bytes)
	elif _udp:
		_udp.send(bytes, local, ip, port)


func _note(event: String) -> void:
	if link and link.timeline.size() < Limits.NOTES + MOST_NOTICES + 1:
		link.timeline.append({"at_ms": roundi(now() - _opened_at), "event": event.substr(0, LINE_CHARACTERS)})


static func _place_of(local: int, ip: String, port: int) -> String:
	return "%d %s %d" % [local, ip, port]


static func _public_path(path: Machine.Candidate) -> String:
	if path.local == Path.RTC:
		return "webrtc"
	return "direct" if Path.is_straight(path.kind) else path.kind


## Packets that came and were not the peer's, or had come before.
func dropped() -> Dictionary:
	return {"forged": _packets.forged, "replayed": _packets.replayed()}
