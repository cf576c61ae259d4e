## What the two ends of a reliable stream send each other (docs/links.md, "Reliable messages").
##
## A segment: 0, or 1 if its message ends with it; its number (4 bytes); bytes of the message.
## An acknowledgement: 2; the lowest number that has not come (4 bytes); a bit for each number after it.
extends Object

const Limits := preload("limits.gd")
const MORE := 0
const LAST := 1
const ACKNOWLEDGEMENT := 2
const HEADER_BYTES := 5


static func write_segment(number: int, is_last: bool, bytes: PackedByteArray) -> PackedByteArray:
	var packet := _header(LAST if is_last else MORE, number)
	packet.append_array(bytes)
	return packet


## `held`: the numbers after `next` that have come, as keys. `highest`: the greatest of them.
static func write_acknowledgement(next: int, highest: int, held: Dictionary) -> PackedByteArray:
	var packet := _header(ACKNOWLEDGEMENT, next)
	var bits := maxi(0, highest - next)
	packet.resize(HEADER_BYTES + (bits + 7) / 8)
	for i in bits:
		if held.has(next + 1 + i):
			packet[HEADER_BYTES + (i >> 3)] |= 1 << (i & 7)
	return packet


## Whether these bytes are a segment or an acknowledgement.
static func is_valid(packet: PackedByteArray) -> bool:
	var rest := packet.size() - HEADER_BYTES
	if rest < 0:
		return false
	match packet[0]:
		MORE:
			# A message may be empty. A segment that is not the last one has something to say.
			return rest > 0 and rest <= Limits.SEGMENT_BYTES
		LAST:
			return rest <= Limits.SEGMENT_BYTES
		ACKNOWLEDGEMENT:
			return rest <= Limits.WINDOW_SEGMENTS / 8
	return false


static func number_of(packet: PackedByteArray) -> int:
	return (packet[1] << 24) | (packet[2] << 16) | (packet[3] << 8) | packet[4]


## Whether an acknowledgement says that this number has come.
static func has_come(acknowledgement: PackedByteArray, next: int, number: int) -> bool:
	if number < next:
		return true
	var bit := number - next - 1
	var at := HEADER_BYTES + (bit >> 3)
	return bit >= 0 and at < acknowledgement.size() and (acknowledgement[at] >> (bit & 7)) & 1 == 1


static func _header(kind: int, number: int) -> PackedByteArray:
	return PackedByteArray([kind, (number >> 24) & 255, (number >> 16) & 255, (number >> 8) & 255, number & 255])
