extends RefCounted
## Curve25519 as in RFC 7748, in GDScript: the engine has none. Some milliseconds each, so [code]KeyTask[/code] does it in a thread.
##
## Numbers modulo 2^255 - 19 are 16 digits of 16 bits.

const KEY_BYTES := 32


## 32 random bytes.
static func new_private_key() -> PackedByteArray:
	return Crypto.new().generate_random_bytes(KEY_BYTES)


static func public_key_of(private_key: PackedByteArray) -> PackedByteArray:
	var base := PackedByteArray()
	base.resize(KEY_BYTES)
	base[0] = 9
	return multiply(private_key, base)


## The secret shared with the owner of that key; none for a key that gives everybody the same one.
static func agree(private_key: PackedByteArray, public_key: PackedByteArray) -> PackedByteArray:
	var shared := multiply(private_key, public_key)
	for byte in shared:
		if byte != 0:
			return shared
	return PackedByteArray()


static func multiply(scalar: PackedByteArray, point: PackedByteArray) -> PackedByteArray:
	var bits := scalar.duplicate()
	bits[0] &= 248
	bits[31] = (bits[31] & 127) | 64
	var x := _unpacked(point)
	var a := _number(1)
	var b := x.duplicate()
	var c := _number(0)
	var d := _number(1)
	for position in range(254, -1, -1):
		var is_set := (bits[position >> 3] >> (position & 7)) & 1
		if is_set:
			var swapped := a
			a = b
			b = swapped
			swapped = c
			c = d
			d = swapped
		var sum := _added(a, c)
		var difference := _subtracted(a, c)
		var cross := _product(_added(b, d), difference)
		var other := _product(_subtracted(b, d), sum)
		var square := _product(sum, sum)
		var second := _product(difference, difference)
		var delta := _subtracted(square, second)
		a = _product(square, second)
		c = _product(delta, _added(square, _product(delta, _number(121665))))
		var total := _added(cross, other)
		var rest := _subtracted(cross, other)
		b = _product(total, total)
		d = _product(x, _product(rest, rest))
		if is_set:
			var swapped := a
			a = b
			b = swapped
			swapped = c
			c = d
			d = swapped
	return _packed(_product(a, _inverse(c)))


static func _number(value: int) -> PackedInt64Array:
	var result := PackedInt64Array()
	result.resize(16)
	result[0] = value & 0xffff
	result[1] = value >> 16
	return result


static func _unpacked(bytes: PackedByteArray) -> PackedInt64Array:
	var result := PackedInt64Array()
	for i in 16:
		result.append(bytes[2 * i] | (bytes[2 * i + 1] << 8))
	result[15] &= 0x7fff
	return result


static func _added(a: PackedInt64Array, b: PackedInt64Array) -> PackedInt64Array:
	var result := a.duplicate()
	for i in 16:
		result[i] += b[i]
	return result


static func _subtracted(a: PackedInt64Array, b: PackedInt64Array) -> PackedInt64Array:
	var result := a.duplicate()
	for i in 16:
		result[i] -= b[i]
	return result


static func _product(a: PackedInt64Array, b: PackedInt64Array) -> PackedInt64Array:
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
	_carry(result)
	_carry(result)
	return result


static func _carry(digits: PackedInt64Array) -> void:
	for i in 16:
		var over := digits[i] >> 16
		digits[i] -= over << 16
		if i < 15:
			digits[i + 1] += over
		else:
			digits[0] += 38 * over

## By Fermat: to the power of the modulus less 2, all of whose bits are set but two.
static func _inverse(value: PackedInt64Array) -> PackedInt64Array:
	var result := value.duplicate()
	for bit in range(253, -1, -1):
		result = _product(result, result)
		if bit != 2 and bit != 4:
			result = _product(result, value)
	return result


static func _packed(value: PackedInt64Array) -> PackedByteArray:
	var digits := value.duplicate()
	for i in 3:
		_carry(digits)
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
