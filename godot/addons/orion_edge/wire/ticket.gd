extends RefCounted
## Tickets for relays: `<link>.<side>.<begun>.<expires>.<lobby>.<client>.<peer>.<relay>`.

const MOST_CHARACTERS := 149


## {link, lobby, client, relay}; empty for any other text. [code]relay[/code] is a sidecar's name, or begins with a tilde: one over WebSocket.
static func parse(text: String) -> Dictionary:
	# A sidecar's name may have dots.
	var parts := text.split(".", true, 7)
	if text.length() > MOST_CHARACTERS or parts.size() != 8 or parts[0].length() != 12 or parts[7] == "":
		return {}
	return {"link": parts[0], "lobby": parts[4], "client": parts[5], "relay": parts[7]}


## The relay over WebSocket that the parts name, without its region; empty if it is a sidecar's.
static func websocket_relay_of(parts: Dictionary) -> String:
	if parts.is_empty() or not parts.relay.begins_with("~"):
		return ""
	return "%s %s %s" % [parts.lobby, parts.relay.get_slice(".", 0), parts.client]
