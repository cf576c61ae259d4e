extends RefCounted
## Binary frames of a relay over WebSocket: records, each two bytes for a packet's length and the packet. A client's receipts are packets, too.

const Packet := preload("peer_packet.gd")

const RECORD_HEADER := 2
const RECEIPT := 0xf0
const LONGEST_PACKET := 1232


static func append_record(frame: PackedByteArray, packet: PackedByteArray) -> PackedByteArray:
	frame.append(packet.size() >> 8)
	frame.append(packet.size() & 0xff)
	frame.append_array(packet)
	return frame


## [param received]: bytes of binary frames that have come on this socket.
static func receipt(received: int) -> PackedByteArray:
	var packet := PackedByteArray([RECEIPT])
	for shift in [24, 16, 8, 0]:
		packet.append((received >> shift) & 0xff)
	return packet


## The packets of a frame; none if its records do not fill it exactly.
static func packets_of(frame: PackedByteArray) -> Array[PackedByteArray]:
	var packets: Array[PackedByteArray] = []
	var at := 0
	while at < frame.size():
		if at + RECORD_HEADER > frame.size():
			return []
		var end := at + RECORD_HEADER + (frame[at] << 8) + frame[at + 1]
		if end > frame.size():
			return []
		packets.append(frame.slice(at + RECORD_HEADER, end))
		at = end
	return packets
