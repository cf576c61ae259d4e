extends RefCounted
## Our end of the link to one peer, made from what the introduction tells of it.

const Addresses := preload("../wire/addresses.gd")
const Config := preload("config.gd")
const Gathering := preload("../udp/gathering.gd")
const LinkEnd := preload("link_end.gd")
const LinkKeys := preload("../sealing/link_keys.gd")
const LinkUdp := preload("../udp/link_udp.gd")
const Limits := preload("limits.gd")
const Message := preload("../wire/message.gd")
const Packet := preload("../wire/peer_packet.gd")
const Packets := preload("packets.gd")
const Path := preload("path.gd")
const Relays := preload("../websocket/relays.gd")
const SealedPackets := preload("sealed_packets.gd")
const Turns := preload("turns.gd")
const Unproven := preload("unproven.gd")

## This client, as the server knows it.
var own_id := ""
var features: Array[String] = []
var private_key := PackedByteArray()
var public_key := PackedByteArray()
## What the invitation said, and the server does not know; or empty.
var secret := ""
## Whether a link that is not encrypted is none.
var is_encryption_required := false
## Null without UDP; then why there is none.
var gathering: Gathering = null
var no_udp := ""
var relays: Relays
## Makes a channel by WebRTC: takes the peer's id, the link's id and what the introduction says. Not valid where there is no WebRTC.
var webrtc := Callable()
## Whether the lobby, or this client, allows relays alone.
var is_relay_only := false
## Ourselves, as the server has seen us: {ip, port, mapping}, or empty.
var you: Dictionary = {}
var turns: Turns
var unproven: Unproven


## Makes the end, and calls back with it; or with a text: why there cannot be one. [param told]: one of the introduction's peers.
func pair(told: Dictionary, then: Callable, now: float) -> void:
	var link := Message.dictionary_of(told, "link")
	var id := Message.text_of(link, "id")
	if id.length() != 12 or Packet.link_number(id) < 0:
		then.call(null, "no-additions")
		return
	var packets := _packets_of(told, link)
	if packets == null:
		then.call(null, "not-encrypted")
		return
	var channels: Dictionary[int, RefCounted] = {}
	var channel := relays.channel(Message.dictionary_of(told, "webSocket"))
	if channel:
		channels[Path.WS] = channel
	if webrtc.is_valid() and told.get("webrtc") is Dictionary:
		channels[Path.RTC] = webrtc.call(Message.text_of(told, "clientId"), id, told.webrtc)
	if gathering == null:
		if channels.is_empty():
			then.call(null, no_udp)
		else:
			then.call(_end_of(told, packets, null, channels), "")
		return
	var opened := func(udp: LinkUdp) -> void: then.call(_end_of(told, packets, udp, channels), "")
	gathering.open_link(id, Message.dictionary_of(told, "relay"), opened, now)


func _end_of(told: Dictionary, packets: Packets, udp: LinkUdp, channels: Dictionary[int, RefCounted]) -> LinkEnd:
	var config := _config_of(told, udp, channels)
	var end := LinkEnd.new(config, packets, udp, channels, turns, unproven)
	end.number = Packet.link_number(told.link.id)
	end.peer_id = Message.text_of(told, "clientId")
	end.peer_name = Message.text_of(told, "name")
	end.link = OrionLink.new(end)
	return end


func _config_of(told: Dictionary, udp: LinkUdp, channels: Dictionary[int, RefCounted]) -> Config:
	var config := Config.new()
	config.side = 1 if told.link.get("side") == "b" else 0
	var crypto := Crypto.new()
	config.random_seed = crypto.generate_random_bytes(8).decode_s64(0)
	config.skip_key = crypto.generate_random_bytes(32)
	config.own_ip = Addresses.canonical(Message.text_of(you, "ip"))
	config.own_port = Message.int_of(you, "port")
	config.own_mapping = Message.text_of(you, "mapping", "unknown")
	config.peer_ip = Addresses.canonical(Message.text_of(told, "ip"))
	config.peer_port = Message.int_of(told, "port")
	config.is_peer_proven = Message.bool_of(told, "proven")
	config.peer_mapping = Message.text_of(told, "mapping", "unknown")
	var ports: Variant = told.get("ports")
	if ports is Array:
		for port: Variant in ports:
			if port is float:
				config.peer_ports.append(int(port))
	for claim in Message.dictionaries_of(told, "candidates").slice(0, Limits.CANDIDATES):
		var ip := Addresses.canonical(Message.text_of(claim, "ip"))
		var port := Message.int_of(claim, "port")
		if ip != "" and port > 0 and port < 65536:
			config.claims.append({"ip": ip, "port": port, "is_proven": Message.bool_of(claim, "proven")})
	config.no_udp = "" if udp else no_udp
	if udp:
		config.own_addresses = gathering.own
		config.own_ports = gathering.own_ports()
		config.has_v6 = gathering.has_v6()
		config.has_relay = udp.relay != null
		config.sidecar_ip = udp.relay.ip if udp.relay else gathering.sidecar_ip
		config.sidecar_port = udp.relay.port if udp.relay else gathering.sidecar_port
	config.channels.assign(channels.keys())
	# A peer without an endpoint has no UDP, and then it gets no relay over UDP, or is not to be found.
	config.is_relay_only = config.peer_ip == "" and (is_relay_only or told.has("relay") or not channels.has(Path.WS))
	return config


## How packets of the link are made. What the peer has committed itself to decides: it is the same for both ends. Null if it would not be encrypted, and must.
func _packets_of(told: Dictionary, link: Dictionary) -> Packets:
	var id: String = link.id
	var side := 1 if link.get("side") == "b" else 0
	var pair_key := Message.from_base64(Message.text_of(link, "key"))
	var commitment := Message.text_of(told, "commitment")
	if commitment == "":
		return null if is_encryption_required or secret != "" else Packets.new(id, side, pair_key)
	var own_commitment := Message.to_base64_url(LinkKeys.sha256(public_key))
	var us := {"client_id": own_id, "commitment": own_commitment, "features": features}
	var them := {"client_id": Message.text_of(told, "clientId"), "commitment": commitment}
	them["features"] = Message.texts_of(told, "features")
	var clients: Array[Dictionary] = [us, them]
	if side == 1:
		clients.reverse()
	return SealedPackets.new(id, side, pair_key, clients, private_key, public_key, secret)
