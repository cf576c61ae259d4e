extends RefCounted
## This machine's addresses, and which of them the server is told.

const Addresses := preload("../wire/addresses.gd")
const Limits := preload("../link/limits.gd")

## IPv4 addresses told, if the machine also has IPv6.
const MOST_V4 := 5
## The engine does not say how large the networks are: what homes have.
const V4_PREFIX := 24
const V6_PREFIX := 64


## Those that another machine may reach, IPv4 first: {ip, prefix_length}. A public IPv4 address has no neighbours.
static func all() -> Array[Dictionary]:
	var v4: Array[Dictionary] = []
	var v6: Array[Dictionary] = []
	for text in IP.get_local_addresses():
		var ip := Addresses.canonical(text)
		var scope := Addresses.scope_of(ip)
		# Link-local ones work on one cable only, or with the name of an interface.
		if scope not in ["public", "private"] or ip.begins_with("169.254.") or Addresses.is_in_subnet(ip, "fe80::", 10):
			continue
		if ip.contains(":"):
			v6.append({"ip": ip, "prefix_length": V6_PREFIX})
		else:
			v4.append({"ip": ip, "prefix_length": V4_PREFIX if scope == "private" else 32})
	v4.append_array(v6)
	return v4


## The candidates that the server is told. [param v6_port]: 0 without IPv6.
static func candidates(own: Array[Dictionary], v4_port: int, v6_port: int) -> Array[Dictionary]:
	var v4 := own.filter(func(address: Dictionary) -> bool: return not address.ip.contains(":"))
	var v6 := own.filter(func(address: Dictionary) -> bool: return address.ip.contains(":") and v6_port > 0)
	var told: Array[Dictionary] = []
	for address: Dictionary in v4.slice(0, maxi(MOST_V4, Limits.CANDIDATES - v6.size())):
		told.append({"ip": address.ip, "port": v4_port})
	for address: Dictionary in v6:
		told.append({"ip": address.ip, "port": v6_port})
	return told.slice(0, Limits.CANDIDATES)
