extends RefCounted
## Where a peer may be reached, and where it must not be looked for, whatever it says.

const Addresses := preload("../wire/addresses.gd")
const Candidate := preload("candidate.gd")
const Config := preload("config.gd")
const Limits := preload("limits.gd")
const Path := preload("path.gd")


## The peer's candidates as a link begins, the observed one first. None where only relays are allowed, or there is no UDP.
static func of(config: Config, now: float) -> Array[Candidate]:
	var found: Array[Candidate] = []
	if not config.is_relay_only and config.no_udp == "":
		if config.peer_ip != "" and may_trust(config, config.peer_ip, config.peer_port):
			var origin := "observed" if config.is_peer_proven else "claimed"
			var checks := Limits.OBSERVED_CHECKS if config.is_peer_proven else Limits.CLAIMED_PROBES
			_add(found, config, config.peer_ip, config.peer_port, origin, checks, now)
		for claim in _believed(config):
			_add(found, config, claim.ip, claim.port, "claimed", Limits.CLAIMED_PROBES, now)
		for port in _guessed_ports(config):
			if may_trust(config, config.peer_ip, port):
				_add(found, config, config.peer_ip, port, "guessed", Limits.CLAIMED_PROBES, now)
	if config.has_relay and config.sidecar_ip != "":
		var local := Path.socket_for(config.sidecar_ip)
		if config.has_v6 or local == Path.V4:
			found.append(Candidate.make("relay", local, config.sidecar_ip, config.sidecar_port, "relay", 0, now))
	return found


static func _add(found: Array[Candidate], config: Config, ip: String, port: int, origin: String, checks: int, now: float) -> void:
	var local := Path.socket_for(ip)
	if local == Path.V6 and not config.has_v6:
		return
	for other in found:
		if other.is_at(local, ip, port):
			return
	found.append(Candidate.make(kind_of(config, ip), local, ip, port, origin, checks, now))


## The peer's claims that are worth a try: of public IPv6 addresses only a few, and of one network.
static func _believed(config: Config) -> Array[Dictionary]:
	var believed: Array[Dictionary] = []
	var first_far := ""
	var far := 0
	for claim in config.claims.slice(0, Limits.CANDIDATES):
		if not may_believe(config, claim.ip, claim.port):
			continue
		if Addresses.is_global_v6(claim.ip) and not is_near(config, claim.ip):
			if first_far == "":
				first_far = claim.ip
			if far >= Limits.V6_CLAIMS or not Addresses.is_same_network(claim.ip, first_far):
				continue
			far += 1
		believed.append(claim)
	return believed


## Whether an address that the peer claims is worth a few packets, and does nobody harm: a public IPv4 address only if the sidecar saw the peer there.
static func may_believe(config: Config, ip: String, port: int) -> bool:
	if not may_meet(config, ip, port):
		return false
	if port in config.own_ports:
		for own in config.own_addresses:
			if own.ip == ip:
				return false
	if _is_broadcast(config, ip):
		return false
	if Addresses.is_global(ip):
		return Addresses.is_global_v6(ip) or ip == config.peer_ip
	return is_near(config, ip) if Addresses.scope_of(ip) == "public" else _is_shared(config, ip)


## The same of an address that the sidecar has told: a private one may be that of a network all three are in.
static func may_trust(config: Config, ip: String, port: int) -> bool:
	if not may_meet(config, ip, port):
		return false
	if Addresses.scope_of(ip) != "private" or _is_shared(config, ip):
		return true
	return Addresses.scope_of(config.own_ip) == "private"


## Whether packets may go to an address at all, if only because one of the peer's came from there. Even that may be forged: never to this machine, unless
## both are on it, nor to the sidecar's neighbours, nor to ourselves.
static func may_meet(config: Config, ip: String, port: int) -> bool:
	if config.is_relay_only or config.sidecar_ip == "":
		return false
	if ip == config.sidecar_ip and port == config.sidecar_port:
		return false
	if ip == config.own_ip and port == config.own_port:
		return false
	if ip != config.peer_ip and _is_at_sidecar(config, ip) and not _is_home_of_both(config):
		return false
	match Addresses.scope_of(ip):
		"loopback":
			return Addresses.scope_of(config.own_ip) == "loopback" and Addresses.scope_of(config.peer_ip) == "loopback"
		"private":
			# Without its zone a link-local address leads nowhere.
			return not (ip.contains(":") and Addresses.is_in_subnet(ip, "fe80::", 10))
		"public":
			return true
		_:
			return false


## "lan" as both ends see it.
static func kind_of(config: Config, ip: String) -> String:
	if Addresses.scope_of(ip) != "public" or (ip.contains(":") and is_near(config, ip)):
		return "lan"
	return "direct"


## Whether an address is in a network that one of our interfaces is in.
static func is_near(config: Config, ip: String) -> bool:
	for own in config.own_addresses:
		if own.prefix_length > 0 and Addresses.is_in_subnet(ip, own.ip, own.prefix_length):
			return true
	return false


## Ports near those seen: where the NAT counts, the next ones; where too little is known, the neighbours.
static func _guessed_ports(config: Config) -> Array[int]:
	var ports: Array[int] = []
	if config.peer_ip == "" or not config.is_peer_proven:
		return ports
	var first := config.peer_ports[0] if config.peer_ports.size() > 0 else config.peer_port
	var second := config.peer_ports[1] if config.peer_ports.size() > 1 else config.peer_port
	var step := second - first
	if config.peer_mapping == "unknown":
		ports.assign([config.peer_port + 1, config.peer_port - 1, config.peer_port + 2, config.peer_port - 2])
	elif config.peer_mapping == "endpoint-dependent" and step != 0 and absi(step) <= Limits.GUESSED_STEP:
		for i in range(1, Limits.GUESSED_PORTS + 1):
			ports.append(second + i * step)
	return ports.filter(func(port: int) -> bool: return port > 0 and port < 65536)


## Whether a private address means the same machine to both.
static func _is_shared(config: Config, ip: String) -> bool:
	return Addresses.is_same_network(config.own_ip, config.peer_ip) or is_near(config, ip)


static func _is_broadcast(config: Config, ip: String) -> bool:
	var bytes := Addresses.bytes_of(ip)
	if bytes.size() != 4:
		return false
	if bytes[3] == 0 or bytes[3] == 255:
		return true
	for own in config.own_addresses:
		var host_bits: int = 32 - own.prefix_length
		if host_bits < 2 or host_bits > 31 or not Addresses.is_in_subnet(ip, own.ip, own.prefix_length):
			continue
		var address := (bytes[0] << 24) | (bytes[1] << 16) | (bytes[2] << 8) | bytes[3]
		var host := address & ((1 << host_bits) - 1)
		if host == 0 or host == (1 << host_bits) - 1:
			return true
	return false


static func _is_at_sidecar(config: Config, ip: String) -> bool:
	return Addresses.is_in_subnet(ip, config.sidecar_ip, 64 if config.sidecar_ip.contains(":") else 24)


## Whether the sidecar's network is that of both peers, too. Whom it saw on its own machine is in it.
static func _is_home_of_both(config: Config) -> bool:
	var is_ours := _is_home(config, config.own_ip)
	for own in config.own_addresses:
		is_ours = is_ours or _is_home(config, own.ip)
	return is_ours and _is_home(config, config.peer_ip)


static func _is_home(config: Config, ip: String) -> bool:
	return Addresses.scope_of(ip) == "loopback" or _is_at_sidecar(config, ip)
