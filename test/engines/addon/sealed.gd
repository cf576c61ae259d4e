extends SceneTree
## The addon's encryption, tried with the vectors: derives their keys, seals their packets, opens them, and measures what it costs. Takes the vectors as its one
## argument (conformance/vectors/sealed.json), and prints one line of JSON.

const LinkKeys := preload("res://addons/orion_edge/sealing/link_keys.gd")
const Sealing := preload("res://addons/orion_edge/sealing/sealing.gd")
const X25519 := preload("res://addons/orion_edge/sealing/x25519.gd")

const ROUNDS := 300


func _initialize() -> void:
	var vectors: Dictionary = JSON.parse_string(OS.get_cmdline_user_args()[0])
	var identity: Dictionary = vectors.identity
	var clients: Array[Dictionary] = []
	for side in ["a", "b"]:
		var client: Dictionary = identity.clients[side]
		clients.append({"client_id": client.clientId, "commitment": client.commitment, "features": client.features})
	var keys: LinkKeys = LinkKeys.derive(identity.link, identity.pairKey.hex_decode(), clients, vectors.shared.hex_decode())
	var id: PackedByteArray = identity.link.hex_decode()
	var out := Sealing.new(id, 0, keys)
	var incoming := Sealing.new(id, 1, keys)
	var packets := []
	var opened := []
	for told: Dictionary in vectors.packets:
		var packet := out.seal(Sealing.GAME if told.kind == "game" else Sealing.RELIABLE, told.text.to_utf8_buffer())
		packets.append(packet.hex_encode())
		opened.append(incoming.opened.get_string_from_utf8() if incoming.open(packet) else "")
	var forged := out.seal(Sealing.GAME, "x".to_utf8_buffer())
	forged[15] ^= 1
	var result := {
		"keys": _hex_of(keys),
		"packets": packets,
		"opened": opened,
		"is_forged_opened": incoming.open(forged),
		"is_repeated_opened": incoming.open(packets[0].hex_decode()),
		"agreed": _agreed().hex_encode(),
		"cost": _cost(out, incoming),
	}
	print(JSON.stringify(result))
	quit()


func _hex_of(keys: LinkKeys) -> Dictionary:
	return {
		"aCipher": keys.ciphers[0].hex_encode(),
		"aMac": keys.macs[0].hex_encode(),
		"bCipher": keys.ciphers[1].hex_encode(),
		"bMac": keys.macs[1].hex_encode(),
		"confirm": keys.confirm.hex_encode(),
		"safetyCode": keys.safety_code,
	}


## What two made-up players agree on.
func _agreed() -> PackedByteArray:
	var alice := "77076d0a7318a57d3c16c17251b2664570fbd7d0a9d8f1e2c3b4a5968778695a".hex_decode()
	var bob := "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb".hex_decode()
	var one := X25519.agree(alice, X25519.public_key_of(bob))
	return one if one == X25519.agree(bob, X25519.public_key_of(alice)) else PackedByteArray()


func _cost(out: Sealing, incoming: Sealing) -> Dictionary:
	var payload := PackedByteArray()
	payload.resize(1000)
	var sealed: Array[PackedByteArray] = []
	var begun := Time.get_ticks_usec()
	for i in ROUNDS:
		sealed.append(out.seal(Sealing.GAME, payload))
	var seal := Time.get_ticks_usec() - begun
	begun = Time.get_ticks_usec()
	for packet in sealed:
		incoming.open(packet)
	var open := Time.get_ticks_usec() - begun
	begun = Time.get_ticks_usec()
	X25519.public_key_of(X25519.new_private_key())
	var agree := Time.get_ticks_usec() - begun
	return {"sealUs": float(seal) / ROUNDS, "openUs": float(open) / ROUNDS, "agreeMs": agree / 1000.0}
