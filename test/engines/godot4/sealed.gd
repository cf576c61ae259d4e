extends SceneTree
## Encrypted links in GDScript, with what Godot has: derives the keys of the vectors, seals their packets, opens them, and measures what it costs.
## Takes the vectors as its one argument (conformance/vectors/sealed.json), and prints one line of JSON.

const ROUNDS := 300

var crypto := Crypto.new()


func _init() -> void:
	var vectors: Dictionary = JSON.parse_string(OS.get_cmdline_user_args()[0])
	var keys := derive_keys(vectors.identity, vectors.shared.hex_decode())
	var out := Direction.new(keys.aCipher, keys.aMac)
	var incoming := Direction.new(keys.aCipher, keys.aMac)
	var link: PackedByteArray = vectors.identity.link.hex_decode()
	var packets := []
	var opened := []
	for i in vectors.packets.size():
		var kind := 0 if vectors.packets[i].kind == "game" else 1
		var packet := out.seal(link, i, kind, vectors.packets[i].text.to_utf8_buffer())
		packets.append(packet.hex_encode())
		opened.append(incoming.open(packet).slice(1).get_string_from_utf8())
	var forged := out.seal(link, 99, 0, "x".to_utf8_buffer())
	forged[15] ^= 1
	var result := {
		"keys": hex_of(keys),
		"packets": packets,
		"opened": opened,
		"forged": incoming.open(forged).size(),
		"agreed": agreed().hex_encode(),
		"cost": cost(out, link),
	}
	print(JSON.stringify(result))
	quit()


## The keys of both directions, from the secret that the two have agreed on.
func derive_keys(identity: Dictionary, shared: PackedByteArray) -> Dictionary:
	var bound := ["links", "pings", "ws-relay", "webrtc", "encrypted"]
	var parts := ["orion-edge link 1", identity.link]
	for side in ["a", "b"]:
		var client: Dictionary = identity.clients[side]
		var features := bound.filter(func(feature): return feature in client.features)
		parts.append_array([client.clientId, client.commitment, ",".join(features)])
	parts.append("open")
	var info := "\n".join(parts).to_utf8_buffer()
	var prk := hmac(identity.pairKey.hex_decode(), shared)
	var bytes := PackedByteArray()
	var block := PackedByteArray()
	for i in range(1, 5):
		block = hmac(prk, block + info + PackedByteArray([i]))
		bytes.append_array(block)
	var safety := 0
	# The number is unsigned: modulo byte by byte.
	for i in range(96, 104):
		safety = (safety * 256 + bytes[i]) % 100_000_000
	var digits := "%08d" % safety
	return {
		"aCipher": bytes.slice(0, 16),
		"aMac": bytes.slice(16, 32),
		"bCipher": bytes.slice(32, 48),
		"bMac": bytes.slice(48, 64),
		"confirm": bytes.slice(64, 96),
		"safetyCode": digits.substr(0, 4) + " " + digits.substr(4),
	}


func hmac(key: PackedByteArray, message: PackedByteArray) -> PackedByteArray:
	return crypto.hmac_digest(HashingContext.HASH_SHA256, key, message)


func hex_of(keys: Dictionary) -> Dictionary:
	var result := {}
	for name in keys:
		result[name] = keys[name] if keys[name] is String else keys[name].hex_encode()
	return result


## What two made-up players agree on.
func agreed() -> PackedByteArray:
	var alice := "77076d0a7318a57d3c16c17251b2664570fbd7d0a9d8f1e2c3b4a5968778695a".hex_decode()
	var bob := "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb".hex_decode()
	var base := PackedByteArray()
	base.resize(32)
	base[0] = 9
	var one := X25519.multiply(alice, X25519.multiply(bob, base))
	var other := X25519.multiply(bob, X25519.multiply(alice, base))
	return one if one == other else PackedByteArray()


func cost(direction: Direction, link: PackedByteArray) -> Dictionary:
	var payload := PackedByteArray()
	payload.resize(1000)
	var sealed := []
	var begun := Time.get_ticks_usec()
	for i in ROUNDS:
		sealed.append(direction.seal(link, 1000 + i, 0, payload))
	var seal := Time.get_ticks_usec() - begun
	begun = Time.get_ticks_usec()
	for packet in sealed:
		direction.open(packet)
	var open := Time.get_ticks_usec() - begun
	var scalar := crypto.generate_random_bytes(32)
	begun = Time.get_ticks_usec()
	X25519.multiply(scalar, crypto.generate_random_bytes(32))
	var agree := Time.get_ticks_usec() - begun
	return {"sealUs": seal / ROUNDS, "openUs": open / ROUNDS, "agreeMs": agree / 1000}


## What one end sends, sealed and opened.
class Direction:
	const HEADER := 13
	const TAG := 16
	var cipher: PackedByteArray
	var mac: PackedByteArray
	var whole: PackedByteArray
	var filled: PackedByteArray

	func _init(cipher_key: PackedByteArray, mac_key: PackedByteArray) -> void:
		cipher = cipher_key
		mac = mac_key
		var zero := PackedByteArray()
		zero.resize(16)
		whole = doubled(ecb(mac, zero))
		filled = doubled(whole)

	func seal(link: PackedByteArray, counter: int, kind: int, payload: PackedByteArray) -> PackedByteArray:
		var packet := PackedByteArray([0xec]) + link
		for i in range(5, -1, -1):
			packet.append((counter >> (8 * i)) & 0xff)
		packet.append_array(applied(counter, PackedByteArray([kind]) + payload))
		packet.append_array(tag_of(packet))
		return packet

	## What it is (one byte) and the payload; empty if nobody who knows the keys has made the packet.
	func open(packet: PackedByteArray) -> PackedByteArray:
		var end := packet.size() - TAG
		var body := packet.slice(0, end)
		if tag_of(body) != packet.slice(end):
			return PackedByteArray()
		var counter := 0
		for i in 6:
			counter = counter * 256 + packet[7 + i]
		return applied(counter, packet.slice(HEADER, end))

	## Counter mode: the blocks are encrypted in one call, and added in numbers of 64 bits.
	func applied(counter: int, bytes: PackedByteArray) -> PackedByteArray:
		var size := bytes.size()
		var count := (size + 15) / 16
		var blocks := PackedByteArray()
		blocks.resize(count * 16)
		for i in count:
			for j in 6:
				blocks[i * 16 + 2 + j] = (counter >> (8 * (5 - j))) & 0xff
			blocks[i * 16 + 14] = i >> 8
			blocks[i * 16 + 15] = i & 0xff
		var stream := ecb(cipher, blocks).to_int64_array()
		var words := bytes.duplicate()
		words.resize(count * 16)
		var numbers := words.to_int64_array()
		for i in numbers.size():
			numbers[i] ^= stream[i]
		return numbers.to_byte_array().slice(0, size)

	## AES-CMAC: the last block of the CBC encryption, with the last block of the message changed.
	func tag_of(message: PackedByteArray) -> PackedByteArray:
		var bytes := message.duplicate()
		var mask := whole
		if bytes.size() % 16 != 0:
			mask = filled
			bytes.append(0x80)
			bytes.resize((bytes.size() + 15) / 16 * 16)
		var end := bytes.size() - 16
		for i in 16:
			bytes[end + i] ^= mask[i]
		var context := AESContext.new()
		var zero := PackedByteArray()
		zero.resize(16)
		context.start(AESContext.MODE_CBC_ENCRYPT, mac, zero)
		return context.update(bytes).slice(end)

	func ecb(key: PackedByteArray, blocks: PackedByteArray) -> PackedByteArray:
		var context := AESContext.new()
		context.start(AESContext.MODE_ECB_ENCRYPT, key)
		return context.update(blocks)

	func doubled(block: PackedByteArray) -> PackedByteArray:
		var result := PackedByteArray()
		result.resize(16)
		for i in 16:
			result[i] = ((block[i] << 1) & 0xff) | (block[i + 1] >> 7 if i < 15 else 0)
		if block[0] & 0x80:
			result[15] ^= 0x87
		return result


## Curve25519 as in RFC 7748: numbers modulo 2^255 - 19 in 16 digits of 16 bits.
class X25519:
	static func multiply(scalar: PackedByteArray, point: PackedByteArray) -> PackedByteArray:
		var bits := scalar.duplicate()
		bits[0] &= 248
		bits[31] = (bits[31] & 127) | 64
		var x := unpacked(point)
		var a := number(1)
		var b := x.duplicate()
		var c := number(0)
		var d := number(1)
		for position in range(254, -1, -1):
			var is_set := (bits[position >> 3] >> (position & 7)) & 1
			if is_set:
				var swapped := a
				a = b
				b = swapped
				swapped = c
				c = d
				d = swapped
			var sum := added(a, c)
			var difference := subtracted(a, c)
			var cross := product(added(b, d), difference)
			var other := product(subtracted(b, d), sum)
			var square := product(sum, sum)
			var second := product(difference, difference)
			var delta := subtracted(square, second)
			a = product(square, second)
			c = product(delta, added(square, product(delta, number(121665))))
			var total := added(cross, other)
			var rest := subtracted(cross, other)
			b = product(total, total)
			d = product(x, product(rest, rest))
			if is_set:
				var swapped := a
				a = b
				b = swapped
				swapped = c
				c = d
				d = swapped
		return packed(product(a, inverse(c)))

	static func number(value: int) -> PackedInt64Array:
		var result := PackedInt64Array()
		result.resize(16)
		result[0] = value & 0xffff
		result[1] = value >> 16
		return result

	static func unpacked(bytes: PackedByteArray) -> PackedInt64Array:
		var result := PackedInt64Array()
		for i in 16:
			result.append(bytes[2 * i] | (bytes[2 * i + 1] << 8))
		result[15] &= 0x7fff
		return result

	static func added(a: PackedInt64Array, b: PackedInt64Array) -> PackedInt64Array:
		var result := a.duplicate()
		for i in 16:
			result[i] += b[i]
		return result

	static func subtracted(a: PackedInt64Array, b: PackedInt64Array) -> PackedInt64Array:
		var result := a.duplicate()
		for i in 16:
			result[i] -= b[i]
		return result

	static func product(a: PackedInt64Array, b: PackedInt64Array) -> PackedInt64Array:
		var wide := PackedInt64Array()
		wide.resize(31)
		for i in 16:
			var digit := a[i]
			for j in 16:
				wide[i + j] += digit * b[j]
		var result := wide.slice(0, 16)
		# 2^256 is 38 more than a multiple of the modulus.
		for i in 15:
			result[i] += 38 * wide[i + 16]
		carry(result)
		carry(result)
		return result

	static func carry(digits: PackedInt64Array) -> void:
		for i in 16:
			var over := digits[i] >> 16
			digits[i] -= over << 16
			if i < 15:
				digits[i + 1] += over
			else:
				digits[0] += 38 * over

	## By Fermat: to the power of the modulus less 2, all of whose bits are set but two.
	static func inverse(value: PackedInt64Array) -> PackedInt64Array:
		var result := value.duplicate()
		for bit in range(253, -1, -1):
			result = product(result, result)
			if bit != 2 and bit != 4:
				result = product(result, value)
		return result

	static func packed(value: PackedInt64Array) -> PackedByteArray:
		var digits := value.duplicate()
		for i in 3:
			carry(digits)
		# Less the modulus, as long as it is not smaller than that.
		for i in 2:
			var less := digits.duplicate()
			less[0] -= 0xffed
			for j in range(1, 16):
				less[j] -= (0x7fff if j == 15 else 0xffff)
			for j in 15:
				var borrowed := less[j] >> 16
				less[j] -= borrowed << 16
				less[j + 1] += borrowed
			if less[15] >= 0:
				digits = less
		var bytes := PackedByteArray()
		for digit in digits:
			bytes.append(digit & 0xff)
			bytes.append(digit >> 8)
		return bytes
