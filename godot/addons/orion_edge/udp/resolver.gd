extends RefCounted
## Addresses of hosts, found by the engine in a thread of its own. Polled.

const Addresses := preload("../wire/addresses.gd")

## Milliseconds for one look-up: the system may take longer to say no.
const PATIENCE_MS := 5_000.0

## By host, once found: one address of each family, IPv4 first.
var _found: Dictionary[String, Array] = {}
## By host: {ids, since, waiting}.
var _asked: Dictionary[String, Dictionary] = {}


## Calls with the addresses, an Array[String]: at once where they are known. None if there are none.
func find(host: String, then: Callable, now: float) -> void:
	var bare := host.trim_prefix("[").trim_suffix("]")
	var plain := Addresses.canonical(bare)
	if plain != "":
		var only: Array[String] = [plain]
		then.call(only)
	elif _found.has(bare):
		then.call(_found[bare])
	elif _asked.has(bare):
		_asked[bare].waiting.append(then)
	else:
		var ids := [IP.resolve_hostname_queue_item(bare, IP.TYPE_IPV4), IP.resolve_hostname_queue_item(bare, IP.TYPE_IPV6)]
		_asked[bare] = {"ids": ids, "since": now, "waiting": [then]}


func poll(now: float) -> void:
	for host: String in _asked.keys():
		var asked := _asked[host]
		var is_late: bool = now - asked.since > PATIENCE_MS
		var is_looking := func(id: int) -> bool:
			return id != IP.RESOLVER_INVALID_ID and IP.get_resolve_item_status(id) == IP.RESOLVER_STATUS_WAITING
		if not is_late and asked.ids.any(is_looking):
			continue
		var ips: Array[String] = []
		for id: int in asked.ids:
			if id == IP.RESOLVER_INVALID_ID:
				continue
			if IP.get_resolve_item_status(id) == IP.RESOLVER_STATUS_DONE:
				var ip := Addresses.canonical(IP.get_resolve_item_address(id))
				if ip != "" and ip not in ips:
					ips.append(ip)
			IP.erase_resolve_item(id)
		_asked.erase(host)
		# One that was not found may be found at the next asking.
		if not ips.is_empty():
			_found[host] = ips
		for then: Callable in asked.waiting:
			then.call(ips)


func close() -> void:
	for asked: Dictionary in _asked.values():
		for id: int in asked.ids:
			if id != IP.RESOLVER_INVALID_ID:
				IP.erase_resolve_item(id)
	_asked.clear()
