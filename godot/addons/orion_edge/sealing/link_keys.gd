extends RefCounted
## The keys of one link, from the secret that its two ends have agreed on (docs/links.md).

const LABEL := "orion-edge link 1"
## Those that count, in this order.
const BOUND_FEATURES: Array[String] = ["links", "pings", "ws-relay", "webrtc", "encrypted"]

## Of what each side sends, by side: 0 for a, 1 for b. 16 bytes each.
var ciphers: Array[PackedByteArray] = []
var macs: Array[PackedByteArray] = []
## Signs answers. 32 bytes.
var confirm := PackedByteArray()
## Eight digits in two groups.
var safety_code := ""


## [param clients]: of side a, then of side b, each {client_id, commitment, features}. [param secret]: of the invitation, or empty.
static func derive(
	id: String, pair_key: PackedByteArray, clients: Array[Dictionary], shared: PackedByteArray, secret := ""
) -> RefCounted:
	var parts: Array[String] = [LABEL, id]
	for client in clients:
		var features := BOUND_FEATURES.filter(func(feature: String) -> bool: return feature in client.features)
		parts.append_array([client.client_id, client.commitment, ",".join(features)])
	parts.append("open" if secret == "" else "secret")
	var info := "\n".join(parts).to_utf8_buffer()
	var material := shared + secret.to_utf8_buffer()
	var extracted := hmac(pair_key, material)
	var bytes := PackedByteArray()
	var block := PackedByteArray()
	for i in range(1, 5):
		block = hmac(extracted, block + info + PackedByteArray([i]))
		bytes.append_array(block)
	var keys := new()
	keys.ciphers.assign([bytes.slice(0, 16), bytes.slice(32, 48)])
	keys.macs.assign([bytes.slice(16, 32), bytes.slice(48, 64)])
	keys.confirm = bytes.slice(64, 96)
	var safety := 0
	# The number is unsigned: modulo byte by byte.
	for i in range(96, 104):
		safety = (safety * 256 + bytes[i]) % 100_000_000
	var digits := "%08d" % safety
	keys.safety_code = "%s %s" % [digits.substr(0, 4), digits.substr(4)]
	return keys


static func hmac(key: PackedByteArray, message: PackedByteArray) -> PackedByteArray:
	var context := HMACContext.new()
	context.start(HashingContext.HASH_SHA256, key)
	context.update(message)
	return context.finish()


static func sha256(bytes: PackedByteArray) -> PackedByteArray:
	var context := HashingContext.new()
	context.start(HashingContext.HASH_SHA256)
	context.update(bytes)
	return context.finish()
