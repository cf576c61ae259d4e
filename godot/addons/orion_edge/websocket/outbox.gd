extends RefCounted
## Packets on their way into a WebSocket: those of one moment share a frame, and where the socket is full the newest of each link wait. Polled.

const Limits := preload("limits.gd")
const RelayFrame := preload("../wire/relay_frame.gd")


class Waiting:
	var link := 0
	var packet: PackedByteArray
	var at := 0.0


var _socket: WebSocketPeer
var _waiting: Array[Waiting] = []
## By link.
var _counts: Dictionary[int, int] = {}
var _sent_at := -INF
## Bytes of binary frames that came, packets of which the relay was not told, and when the first of them came.
var _received := 0
var _untold := 0
var _untold_at := INF


func _init(socket: WebSocketPeer) -> void:
	_socket = socket


## Sends the packet with the others of this moment, or later, or drops an older one for it.
func add(link: int, packet: PackedByteArray, now: float) -> void:
	var waiting := Waiting.new()
	waiting.link = link
	waiting.packet = packet
	waiting.at = now
	_waiting.append(waiting)
	_counts[link] = _counts.get(link, 0) + 1
	if _counts[link] <= Limits.WAITING_PACKETS:
		return
	for i in _waiting.size():
		if _waiting[i].link == link:
			_waiting.remove_at(i)
			_counts[link] -= 1
			return


## A frame came. The relay counts what is under way by what it is told here.
func count_received(bytes: int, packets: int, now: float) -> void:
	_received += bytes
	_untold += packets
	_untold_at = minf(_untold_at, now)


func poll(now: float) -> void:
	var is_receipt_due := _untold >= Limits.RECEIPT_PACKETS or now - _untold_at >= Limits.RECEIPT_MS
	if _waiting.is_empty() and not is_receipt_due:
		return
	if now - _sent_at >= Limits.FRAME_MS and _socket.get_current_outbound_buffered_amount() <= Limits.WAITING_BYTES:
		flush(now)


## Sends what waits, whatever is on its way.
func flush(now: float) -> void:
	var frame := PackedByteArray()
	if _untold > 0:
		frame = RelayFrame.append_record(frame, RelayFrame.receipt(_received))
		_untold = 0
		_untold_at = INF
	var taken := 0
	for waiting in _waiting:
		if frame.size() + waiting.packet.size() + RelayFrame.RECORD_HEADER > Limits.FRAME_BYTES:
			break
		taken += 1
		_counts[waiting.link] -= 1
		if now - waiting.at <= Limits.STALE_MS:
			frame = RelayFrame.append_record(frame, waiting.packet)
	_waiting = _waiting.slice(taken)
	if frame.is_empty():
		return
	_sent_at = now
	_socket.send(frame, WebSocketPeer.WRITE_MODE_BINARY)
