## One end of a reliable stream over packets that may be lost, doubled and overtaken: whole messages, each once, in order.
##
## The same wire as the reliable stream of the TypeScript SDK. It does no I/O and has no clock: call [method tick] when
## [method wake_at] has come, and take packets and messages out after each call. Times are milliseconds of a clock that
## does not go back. Memory is bounded, whatever the peer sends.
class_name OrionReliableStream
extends RefCounted

const Limits := preload("limits.gd")
const Packet := preload("packet.gd")
const Receiver := preload("receiver.gd")
const Sender := preload("sender.gd")

## Bytes of our messages that the peer has not acknowledged.
var waiting: int:
	get:
		return _sender.waiting
## Whether the peer has sent what no honest one does. Nothing more is taken from it.
var is_broken: bool:
	get:
		return _receiver.is_broken
var _sender: Sender
var _receiver := Receiver.new()
var _packets: Array[PackedByteArray] = []
var _messages: Array[PackedByteArray] = []


func _init(now: float) -> void:
	_sender = Sender.new(now)


## Takes a message of up to 64 KiB. False, and nothing is taken, if it is longer or too much waits.
func push(message: PackedByteArray, now: float) -> bool:
	if message.size() > Limits.MESSAGE_BYTES or waiting + message.size() > Limits.WAITING_BYTES:
		return false
	_sender.push(message)
	tick(now)
	return true


## Takes a packet of the peer's end. Bytes that are none are ignored: false.
func hear(packet: PackedByteArray, now: float) -> bool:
	if not Packet.is_valid(packet):
		return false
	if packet[0] == Packet.ACKNOWLEDGEMENT:
		_sender.hear(packet, now)
	else:
		_receiver.hear(packet, now, _messages)
	tick(now)
	return true


## The link goes another way, which takes so many bytes a second. [param round_trip_ms] is negative if it is not known.
func change_path(round_trip_ms: float, bytes_per_second: float, now: float) -> void:
	_sender.change_path(round_trip_ms, bytes_per_second, now)
	tick(now)


## Does what is due.
func tick(now: float) -> void:
	var acknowledgement := _receiver.take(now)
	if not acknowledgement.is_empty():
		_packets.append(acknowledgement)
	_sender.take(now, _packets)


## When there is something to do by itself. INF for never.
func wake_at(now: float) -> float:
	return minf(_receiver.due_at, _sender.wake_at(now))


## The packets to send now. They are returned once.
func take_packets() -> Array[PackedByteArray]:
	var packets := _packets
	_packets = []
	return packets


## The messages of the peer, complete and in order. They are returned once.
func take_messages() -> Array[PackedByteArray]:
	var messages := _messages
	_messages = []
	return messages
