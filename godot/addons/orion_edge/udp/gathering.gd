extends RefCounted
## The first half of a mediation: sockets are opened, and the server sees them. Then what its links send by. Polled.

const Addresses := preload("../wire/addresses.gd")
const LinkUdp := preload("link_udp.gd")
const Message := preload("../wire/message.gd")
const OwnAddresses := preload("own_addresses.gd")
const Packet := preload("../wire/peer_packet.gd")
const Probe := preload("probe.gd")
const RelayEnd := preload("relay_end.gd")
const Resolver := preload("resolver.gd")
const SignedDatagram := preload("../wire/signed_datagram.gd")
const UdpSockets := preload("udp_sockets.gd")

## A packet for a link.
signal received(bytes: PackedByteArray, local: int, ip: String, port: int)
signal noted(event: String)
## The sidecar does not answer: the server may know another.
signal unseen
## Nothing gets out.
signal blocked

var own: Array[Dictionary] = OwnAddresses.all()
var sidecar_ip := ""
var sidecar_port := 0
## Whether the server's host is being looked up: the introduction waits for it.
var is_asking := false

var _server_host: String
var _resolver: Resolver
var _is_hidden: bool
var _sockets: UdpSockets = null
var _probe := Probe.new(func() -> String: return Message.to_base64_url(Crypto.new().generate_random_bytes(9)))
var _pass := ""
var _pass_key := ""
var _is_over := false
## Of the links, as long as they are not over.
var _links: Array[LinkUdp] = []


## [param is_hidden]: nobody may learn this machine's addresses.
func _init(server_host: String, resolver: Resolver, is_hidden: bool) -> void:
	_server_host = server_host
	_resolver = resolver
	_is_hidden = is_hidden


## Opens the sockets. False if there is no UDP.
func open() -> bool:
	var sockets := UdpSockets.new()
	if not sockets.open():
		return false
	_sockets = sockets
	_sockets.received.connect(_receive)
	return true


func is_seen() -> bool:
	return _probe.is_seen()


## The server asks to see us: `ptpMediation_send`.
func ask(payload: Dictionary, now: float) -> void:
	var host := Message.text_of(payload, "host", _server_host)
	var port := Message.int_of(payload, "port")
	var ports: Array[int] = []
	var told: Variant = payload.get("ports")
	if told is Array:
		for one: Variant in told:
			if one is float:
				ports.append(int(one))
	var given_pass := Message.text_of(payload, "pass")
	var given_key := Message.text_of(payload, "passKey")
	is_asking = true
	_resolver.find(host, _found.bind(host, port, ports, given_pass, given_key), now)


func _found(ips: Array[String], host: String, port: int, ports: Array[int], given_pass: String, given_key: String) -> void:
	is_asking = false
	if _is_over or _sockets == null:
		return
	sidecar_port = port
	if ports.is_empty() or given_pass == "":
		noted.emit("the server is too old")
		blocked.emit()
		return
	_pass = given_pass
	_pass_key = given_key
	_probe.ask(host, ips, ports, Time.get_ticks_usec() / 1000.0)
	_work()


## The introduction is here: nothing is probed any more. Whether there is what links need.
func end() -> bool:
	_is_over = true
	_probe.stop()
	sidecar_ip = _probe.ip()
	return _sockets != null and sidecar_ip != ""


func own_ports() -> Array[int]:
	var ports: Array[int] = [_sockets.v4_port()]
	if has_v6():
		ports.append(_sockets.v6_port())
	return ports


func has_v6() -> bool:
	return _sockets.v6_port() > 0


## What one link sends by. [param relay]: the right to use one, as the introduction gives it, or empty. Calls back, perhaps at once.
func open_link(id: String, relay: Dictionary, then: Callable, now: float) -> void:
	if relay.is_empty():
		then.call(_opened(null))
		return
	_resolver.find(Message.text_of(relay, "host", _server_host), _relay_found.bind(id, relay, then), now)


func poll(now: float) -> void:
	if _sockets == null:
		return
	_sockets.poll()
	_probe.poll(now)
	_work()
	for i in range(_links.size() - 1, -1, -1):
		if _links[i].is_closed:
			_links.remove_at(i)


func close() -> void:
	_is_over = true
	_probe.stop()
	if _sockets:
		_sockets.close()


func _relay_found(ips: Array[String], id: String, relay: Dictionary, then: Callable) -> void:
	# Of the family that reaches the sidecar, if there is one.
	var ip := ips[0] if not ips.is_empty() else ""
	for each in ips:
		if each.contains(":") == sidecar_ip.contains(":"):
			ip = each
			break
	if ip == "":
		then.call(_opened(null))
		return
	then.call(_opened(RelayEnd.new(relay, id, ip, Message.int_of(relay, "port"), _probe.cookie, _sockets)))


func _opened(relay_end: RelayEnd) -> LinkUdp:
	var link := LinkUdp.new(_sockets, relay_end)
	_links.append(link)
	return link


func _receive(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	if Packet.is_packet(bytes):
		received.emit(bytes, local, ip, port)
		return
	# From elsewhere it may be garbage, which is not worth a look: there may be much of it, and many links.
	var relayed := _links.filter(func(link: LinkUdp) -> bool: return link.relay and link.relay.ip == ip and link.relay.port == port)
	if relayed.is_empty() and _is_over:
		return
	var datagram := SignedDatagram.read(bytes)
	if datagram.is_empty():
		return
	if datagram.method != "ptpMediation_seen":
		for link: LinkUdp in relayed:
			link.hear(datagram, ip, port)
		return
	var payload: Dictionary = datagram.payload
	if not _probe.awaits(payload.get("nonce"), ip, port) or not SignedDatagram.is_signed_with(_pass_key, datagram):
		return
	var cookie := Message.text_of(payload, "cookie")
	if cookie != "":
		_probe.answered(payload.nonce, ip, port, cookie)
		_work()


func _work() -> void:
	for effect in _probe.take_effects():
		match effect.kind:
			"send":
				_send_probe(effect)
			"unseen":
				unseen.emit()
			"blocked":
				blocked.emit()
			"note":
				noted.emit(effect.event)


func _send_probe(effect: Dictionary) -> void:
	var candidates: Array[Dictionary] = []
	if not _is_hidden:
		candidates = OwnAddresses.candidates(own, _sockets.v4_port(), _sockets.v6_port())
	var payload := {"pass": _pass, "nonce": effect.nonce, "candidates": candidates}
	if effect.cookie != "":
		payload["cookie"] = effect.cookie
	_sockets.send_to(SignedDatagram.write(_pass_key, "ptpMediation_probe", payload), effect.ip, effect.port)
