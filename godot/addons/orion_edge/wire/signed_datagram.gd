extends RefCounted
## Datagrams between a client and a sidecar: `method:base64(JSON).mac`, where the mac is HMAC-SHA-256 of all before the dot, cut to 16 bytes.

const Message := preload("message.gd")

## Bytes that each of ours has at least: no answer may be longer than its request.
const ROOM_FOR_ANSWER := 320
const MOST_BYTES := 1024
const MAC_CHARACTERS := 22


## A datagram for the sidecar, under the key of a pass or a ticket.
static func write(key: String, method: String, payload: Dictionary) -> PackedByteArray:
	var bare := _with_mac(key, method, payload)
	var missing := ROOM_FOR_ANSWER - bare.length()
	if missing > 0:
		# Three characters of JSON are four of base64; the field's name is more than the rest.
		var padded := payload.duplicate()
		padded["pad"] = "-".repeat(ceili(missing * 0.75))
		bare = _with_mac(key, method, padded)
	return bare.to_ascii_buffer()


## {method, payload, signed, mac}; empty for any other bytes. The mac is not to be believed before it is compared.
static func read(bytes: PackedByteArray) -> Dictionary:
	if bytes.size() > MOST_BYTES or bytes.size() < MAC_CHARACTERS + 4:
		return {}
	for byte in bytes:
		if byte < 33 or byte > 126:
			return {}
	var text := bytes.get_string_from_ascii()
	var dot := text.length() - MAC_CHARACTERS - 1
	if text[dot] != ".":
		return {}
	var message := Message.decode(text.substr(0, dot))
	if message.is_empty():
		return {}
	message["signed"] = text.substr(0, dot)
	message["mac"] = text.substr(dot + 1)
	return message


## Whether the sender of what [method read] gave knows the key.
static func is_signed_with(key: String, datagram: Dictionary) -> bool:
	return datagram.mac == _mac_of(key, datagram.signed)


static func _with_mac(key: String, method: String, payload: Dictionary) -> String:
	var signed := Message.encode(method, payload)
	return "%s.%s" % [signed, _mac_of(key, signed)]


static func _mac_of(key: String, text: String) -> String:
	var hmac := HMACContext.new()
	hmac.start(HashingContext.HASH_SHA256, key.to_utf8_buffer())
	hmac.update(text.to_utf8_buffer())
	return Message.to_base64_url(hmac.finish().slice(0, 16))
