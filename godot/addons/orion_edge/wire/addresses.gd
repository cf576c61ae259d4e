extends RefCounted
## IP addresses as texts: plain ones, in the one form that can be compared (RFC 5952).

## Text of this machine's sockets, as the engine writes it, and the canonical one: the same few come again and again.
static var _known: Dictionary[String, String] = {}
const MOST_KNOWN := 1024


## The address in its one form, IPv4-mapped ones as IPv4, without a zone. Empty for text that is no address.
static func canonical(text: String) -> String:
	if _known.has(text):
		return _known[text]
	var result := _canonical(text)
	if _known.size() >= MOST_KNOWN:
		_known.clear()
	_known[text] = result
	return result


static func _canonical(text: String) -> String:
	var zone := text.find("%")
	var bare := text if zone < 0 else text.substr(0, zone)
	if bare.to_lower().begins_with("::ffff:") and bare.contains("."):
		bare = bare.substr(7)
	var bytes := bytes_of(bare)
	if bytes.is_empty():
		return ""
	if bytes.size() == 16 and _is_mapped(bytes):
		bytes = bytes.slice(12)
	return text_of(bytes)


## The 4 or 16 bytes of an address; none for any other text.
static func bytes_of(ip: String) -> PackedByteArray:
	if not ip.contains(":"):
		return _bytes_of_v4(ip)
	var halves := ip.split("::")
	if halves.size() > 2:
		return PackedByteArray()
	var before := _groups(halves[0])
	var after := _groups(halves[1]) if halves.size() == 2 else PackedByteArray()
	if (before.is_empty() and halves[0] != "") or (halves.size() == 2 and after.is_empty() and halves[1] != ""):
		return PackedByteArray()
	var zeros := 16 - before.size() - after.size()
	if (halves.size() == 1 and zeros != 0) or (halves.size() == 2 and zeros < 2):
		return PackedByteArray()
	var middle := PackedByteArray()
	middle.resize(zeros)
	return before + middle + after


static func _bytes_of_v4(ip: String) -> PackedByteArray:
	var parts := ip.split(".")
	if parts.size() != 4:
		return PackedByteArray()
	var bytes := PackedByteArray()
	for part in parts:
		if part.length() > 3 or not part.is_valid_int() or int(part) < 0 or int(part) > 255 or str(int(part)) != part:
			return PackedByteArray()
		bytes.append(int(part))
	return bytes


static func _groups(text: String) -> PackedByteArray:
	var bytes := PackedByteArray()
	if text == "":
		return bytes
	for word in text.split(":"):
		if word.length() < 1 or word.length() > 4 or not word.is_valid_hex_number():
			return PackedByteArray()
		var number := word.hex_to_int()
		if number < 0:
			return PackedByteArray()
		bytes.append(number >> 8)
		bytes.append(number & 0xff)
	return bytes


static func text_of(bytes: PackedByteArray) -> String:
	if bytes.size() == 4:
		return "%d.%d.%d.%d" % [bytes[0], bytes[1], bytes[2], bytes[3]]
	var words: Array[int] = []
	for i in 8:
		words.append((bytes[2 * i] << 8) | bytes[2 * i + 1])
	# The longest run of two zeros or more, the first of equals.
	var best_at := -1
	var best_size := 1
	var at := 0
	while at < 8:
		var end := at
		while end < 8 and words[end] == 0:
			end += 1
		if end - at > best_size:
			best_at = at
			best_size = end - at
		at = maxi(end, at + 1)
	var texts := words.map(func(word: int) -> String: return "%x" % word)
	if best_at < 0:
		return ":".join(texts)
	return ":".join(texts.slice(0, best_at)) + "::" + ":".join(texts.slice(best_at + best_size))


static func _is_mapped(bytes: PackedByteArray) -> bool:
	for i in 10:
		if bytes[i] != 0:
			return false
	return bytes[10] == 0xff and bytes[11] == 0xff


static func is_v6(ip: String) -> bool:
	return ip.contains(":")


## Where it can be reached from: "public", "private", "loopback"; "unusable" if it is no single machine's, or no address.
static func scope_of(ip: String) -> String:
	var bytes := bytes_of(ip)
	match bytes.size():
		4:
			return _scope_of_v4(bytes[0], bytes[1])
		16:
			return _scope_of_v6(bytes)
		_:
			return "unusable"


static func _scope_of_v4(a: int, b: int) -> String:
	if a > 223 or a == 0:
		return "unusable"
	if a == 127:
		return "loopback"
	var is_shared := a == 100 and b >= 64 and b < 128
	var is_local := a == 10 or (a == 172 and b >= 16 and b < 32) or (a == 192 and b == 168)
	return "private" if is_shared or is_local or (a == 169 and b == 254) else "public"


static func _scope_of_v6(bytes: PackedByteArray) -> String:
	if text_of(bytes) == "::1":
		return "loopback"
	var a := bytes[0]
	var b := bytes[1]
	# Unspecified, IPv4 in disguise, multicast.
	if (a == 0 and b == 0) or a == 0xff:
		return "unusable"
	return "private" if (a & 0xfe) == 0xfc or (a == 0xfe and (b & 0xc0) == 0x80) else "public"


## Whether the whole Internet can reach it.
static func is_global(ip: String) -> bool:
	return is_global_v6(ip) if is_v6(ip) else scope_of(ip) == "public"


## The same, of IPv6: 2000::/3 without 6to4 and what IANA keeps for protocols.
static func is_global_v6(ip: String) -> bool:
	var bytes := bytes_of(ip)
	if bytes.size() != 16 or bytes[0] >> 5 != 1:
		return false
	return not (bytes[0] == 0x20 and (bytes[1] == 0x02 or (bytes[1] == 0x01 and bytes[2] < 2)))


## Whether two addresses are of one network: the same IPv4 address, or one /64 of IPv6.
static func is_same_network(a: String, b: String) -> bool:
	var ours := bytes_of(a)
	var theirs := bytes_of(b)
	if ours.is_empty() or ours.size() != theirs.size():
		return false
	return ours == theirs if ours.size() == 4 else ours.slice(0, 8) == theirs.slice(0, 8)


static func is_in_subnet(ip: String, network: String, prefix_length: int) -> bool:
	var a := bytes_of(ip)
	var b := bytes_of(network)
	if a.is_empty() or a.size() != b.size():
		return false
	for i in a.size():
		var bits := clampi(prefix_length - i * 8, 0, 8)
		if ((a[i] ^ b[i]) & (0xff << (8 - bits)) & 0xff) != 0:
			return false
	return true
