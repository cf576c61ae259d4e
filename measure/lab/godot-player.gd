extends SceneTree
## A player of the lab with the Godot addon, in a namespace of its own. Its argument is the server's URL. It takes orders as lines of its input and answers
## with lines of its output (orders.ts), and plays a run as the SDK does (orion-player.ts).

signal ordered

## Seconds for everything until the link is usable, and for a path without a relay.
const PATIENCE_S := 40.0
const DIRECT_PATIENCE_S := 12.0
## Seconds that an echo may take, and between two attempts: paths may lose messages.
const ECHO_PATIENCE_S := 8.0
const ECHO_AGAIN_S := 0.15
const STRAIGHT: Array[String] = ["lan", "direct"]
const ALL: Array[String] = ["lan", "direct", "turn", "relay", "websocket"]

var _input := Thread.new()
var _orders: Array[Dictionary] = []
## What the addon has told of peers that it could not connect.
var _cause := ""


func _initialize() -> void:
	_input.start(_read_orders)
	_play_runs()


## Waits for each line in a thread of its own: the engine goes on meanwhile.
func _read_orders() -> void:
	while true:
		var line := OS.read_string_from_stdin(4096)
		_take.call_deferred({"order": "end"} if line == "" else JSON.parse_string(line))
		if line == "":
			return


func _take(order: Dictionary) -> void:
	_orders.append(order)
	ordered.emit()


func _next_order() -> Dictionary:
	while _orders.is_empty():
		await ordered
	return _orders.pop_front()


func _play_runs() -> void:
	var first := await _next_order()
	while first.order != "end":
		var orion := OrionEdge.new()
		orion.server_url = OS.get_cmdline_user_args()[0]
		root.add_child(orion)
		_cause = ""
		await _play(orion, first)
		orion.free()
		_tell({"told": "parted"})
		first = await _next_order()
	_input.wait_to_finish()
	quit()


## One run, up to the order to part.
func _play(orion: OrionEdge, first: Dictionary) -> void:
	var patience := create_timer(PATIENCE_S)
	patience.timeout.connect(orion.close)
	var result: OrionResult
	if first.order == "host":
		var options := {"name": "Ada", "lobby_name": "The lab", "max_players": 2}
		if first.has("privacy"):
			options["privacy"] = first.privacy
		result = await orion.host(options)
	else:
		result = await orion.join(first.code, {"name": "Bo"})
	if not result.is_ok:
		await _fail(result.code)
		return
	var lobby := result.lobby
	lobby.report_received.connect(func(report: Dictionary) -> void: _cause = report.cause)
	if first.order == "host":
		_tell({"told": "hosting", "code": lobby.code})
		var next := await _next_order()
		if next.order != "start":
			return
		result = await lobby.start()
	else:
		_tell({"told": "joined"})
		result = await lobby.started()
	patience.timeout.disconnect(orion.close)
	if result.links.is_empty():
		await _fail(_cause if _cause != "" else result.code)
		return
	_tell({"told": "outcome", "outcome": await _outcome(result.links[0])})
	# The other player may need an answer still.
	await _next_order()
	await lobby.close()


func _fail(cause: String) -> void:
	var outcome := {"usableMs": null, "directMs": null, "path": null, "cause": cause, "echoed": false}
	_tell({"told": "outcome", "outcome": outcome})
	await _next_order()


## How the link is, once it is direct or stays on a relay, and once a message has come back.
func _outcome(link: OrionLink) -> Dictionary:
	var answers := [false]
	link.packet_received.connect(
		func(packet: PackedByteArray) -> void:
			var word := packet.get_string_from_utf8()
			if word == "call":
				link.send("answer".to_utf8_buffer())
			answers[0] = answers[0] or word == "answer"
	)
	var until := Time.get_ticks_msec() + DIRECT_PATIENCE_S * 1000.0
	while link.path_kind not in STRAIGHT and link.cause in ["", "not-yet-direct"] and Time.get_ticks_msec() < until:
		await process_frame
	until = Time.get_ticks_msec() + ECHO_PATIENCE_S * 1000.0
	while not answers[0] and link.is_open() and Time.get_ticks_msec() < until:
		link.send("call".to_utf8_buffer())
		var again_at := Time.get_ticks_msec() + ECHO_AGAIN_S * 1000.0
		while not answers[0] and Time.get_ticks_msec() < again_at:
			await process_frame
	var outcome := {
		"usableMs": _first_use(link, ALL),
		"directMs": _first_use(link, STRAIGHT),
		"path": link.path_kind if link.is_open() else null,
		"cause": link.cause if link.cause != "" else null,
		"echoed": answers[0],
	}
	if not answers[0]:
		outcome["timeline"] = link.timeline.map(func(line: Dictionary) -> String: return "%d ms: %s" % [line.at_ms, line.event])
	return outcome


## Milliseconds from the introduction until the link first used a path of one of these kinds; null if it never has.
func _first_use(link: OrionLink, kinds: Array[String]) -> Variant:
	for line in link.timeline:
		if line.event.trim_prefix("in use: ") in kinds:
			return line.at_ms
	return null


func _tell(answer: Dictionary) -> void:
	print(JSON.stringify(answer))
