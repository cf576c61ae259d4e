class_name OrionEdge
extends Node
## An Orion Edge server: opens, joins, finds and lists lobbies.
##
## Add it to the scene tree, or make it an autoload. It works while the tree is paused. When it leaves the tree, it leaves its lobbies and closes their
## links. Each request is awaited, and gives an [OrionResult]:
## [codeblock]
## var result := await orion.host({"name": "Ada"})
## if not result.is_ok:
##     print(result.message)
##     return
## print("Tell your friends: ", result.lobby.code)
## [/codeblock]

const Ending := preload("session/ending.gd")
const Entrance := preload("session/entrance.gd")
const Frames := preload("session/frames.gd")
const Http := preload("session/http.gd")
const Message := preload("wire/message.gd")
const Names := preload("session/names.gd")
const Problems := preload("session/problems.gd")
const Resolver := preload("udp/resolver.gd")
const Retry := preload("session/retry.gd")
const Session := preload("session/session.gd")
const Unproven := preload("link/unproven.gd")
const WebRtc := preload("webrtc/webrtc.gd")

## Milliseconds that a player whose connection is lost has to come back, unless the game says otherwise.
const GRACE_MS := 30_000
const MAX_PLAYERS := 8

## The options of [method host], and how the server calls them. See docs/staying.md.
const LOBBY_OPTIONS := {
	"max_players": "maxMembers",
	"title": "title",
	"lifetime": "lifetime",
	"topology": "topology",
	"grace_ms": "graceMs",
	"on_host_loss": "onHostLoss",
	"signals": "signals",
	"encryption": "encryption",
	"on_loss": "onLoss",
	"privacy": "privacy",
	"password": "password",
	"is_locked": "locked",
	"data": "data",
}
const HOST_OPTIONS: Array[String] = ["is_public", "game", "lobby_name"]
const PLAYER_OPTIONS: Array[String] = ["name", "display_name", "data_of_player", "accepts_host", "secret"]

## The server, like [code]https://orion.example[/code].
@export var server_url := "http://localhost:5980"
## How its certificate is checked; null: as usual.
var tls_options: TLSOptions = null
## Whether the addon uses UDP. Without it, links are on the relay over WebSocket.
@export var uses_udp := true

var _entrance: Entrance = null
var _entrance_url := ""
var _lobbies: Array[OrionLobby] = []
var _ending := Ending.new()
var _frames := Frames.new()
var _is_entering := false
var _unproven := Unproven.new(Time.get_ticks_usec() / 1000.0)
var _resolver := Resolver.new()


func _init() -> void:
	process_mode = Node.PROCESS_MODE_ALWAYS
	# The newest packets are there for the game's own nodes.
	process_priority = -1000


func _enter_tree() -> void:
	_frames = Frames.new()


func _exit_tree() -> void:
	close()
	_frames.finish()
	_entrance = null


func _process(_delta: float) -> void:
	_resolver.poll(Time.get_ticks_usec() / 1000.0)
	if _entrance:
		_entrance.poll()
	for lobby in _lobbies.duplicate():
		if lobby._polled_in == Engine.get_process_frames():
			lobby._flush()
		else:
			lobby._poll()
		if lobby._is_gone():
			_lobbies.erase(lobby)
	_frames.passed.emit()


## Opens a lobby, as its host. Options, of which the first is needed:
## [br]- name: the player's, in any script. display_name, data_of_player (what the others know of the player), secret (of the invitation: without it nobody can
## be linked), accepts_host (false: as a new host it does not start by itself).
## [br]- lobby_name, title, game, is_public, max_players (8), password, is_locked, data.
## [br]- lifetime ("mediation" or "session"), topology ("star" or "mesh"), grace_ms (30 000), on_host_loss ("close" or "migrate"), on_loss ("continue" or
## "abort"), signals ("peers" or "all"), encryption ("preferred" or "required"), privacy ("open" or "relay-only").
func host(options: Dictionary = {}) -> OrionResult:
	var wrong := _unknown_option(options, LOBBY_OPTIONS.keys() + HOST_OPTIONS + PLAYER_OPTIONS)
	if wrong:
		return wrong
	var ask_with := func(connection: RefCounted, _salt: String) -> Dictionary:
		var player := Names.named(str(options.get("name", "")), "Host")
		var body := _lobby_body(options, player.orion)
		body.merge(_player_body(options, player))
		body.merge({"hostName": player.orion, "isPublic": options.get("is_public", false)})
		if options.has("game"):
			body["game"] = options.game
		return {"path": "lobbies", "body": body, "name": player.orion}
	return await _enter("lobbies", ask_with, options, options)


## Joins the lobby with this code. Options: name, which is needed, display_name, data_of_player, password, privacy, secret, accepts_host.
func join(code: String, options: Dictionary = {}) -> OrionResult:
	var wrong := _unknown_option(options, PLAYER_OPTIONS + ["password", "privacy"])
	if wrong:
		return wrong
	var written := code.strip_edges().to_upper()
	for character in written:
		if character in "/\\%.?#" or character.unicode_at(0) < 32:
			return Problems.failed("no_such_lobby")
	if written == "" or written.length() > 64:
		return Problems.failed("no_such_lobby")
	var path := "lobbies/%s" % written.uri_encode()
	var ask_with := func(_connection: RefCounted, salt: String) -> Dictionary:
		var player := Names.named(str(options.get("name", "")), "Player", salt)
		var body := _player_body(options, player)
		body["peerName"] = player.orion
		for field: String in ["privacy", "password"]:
			if options.has(field):
				body[field] = options[field]
		return {"path": "%s/join" % path, "body": body, "name": player.orion}
	return await _enter(path, ask_with, options, {})


## Joins an open public lobby of the game of which [code]where[/code] holds (like ["skill:lte:1200"]), or opens one: [member OrionResult.was_created]. Options: name and game, which are
## needed, where, create (the options of [method host] for a lobby that is opened), and those of [method join].
func match(options: Dictionary = {}) -> OrionResult:
	var wrong := _unknown_option(options, PLAYER_OPTIONS + ["game", "where", "privacy", "create"])
	if wrong:
		return wrong
	var create: Dictionary = options.get("create", {})
	wrong = _unknown_option(create, LOBBY_OPTIONS.keys() + ["lobby_name"])
	if wrong:
		return wrong
	var ask_with := func(_connection: RefCounted, salt: String) -> Dictionary:
		var player := Names.named(str(options.get("name", "")), "Player", salt)
		var body := _player_body(options, player)
		var named := {"name": options.get("name", "")}
		named.merge(create)
		body.merge({"peerName": player.orion, "game": options.get("game", ""), "where": options.get("where", [])})
		body["create"] = _lobby_body(named, player.orion)
		if options.has("privacy"):
			body["privacy"] = options.privacy
		return {"path": "lobbies/match", "body": body, "name": player.orion}
	return await _enter("lobbies", ask_with, options, create)


## Comes back as the player that a [method OrionLobby.return_key] is of: after the game has crashed. Options: secret, accepts_host.
func resume(return_key: String, options: Dictionary = {}) -> OrionResult:
	var parts := return_key.split(" ")
	if parts.size() != 2 or parts[0] == "" or parts[1] == "":
		return _invalid("This is no key to return by.")
	var ready := _prepare()
	if ready:
		return ready
	_is_entering = true
	var ending := _ending
	var entrance := _entrance
	var found := {}
	var request_id := Message.to_base64_url(Crypto.new().generate_random_bytes(12))
	var attempt := func(ms: float) -> Dictionary:
		return await entrance.come_back(parts[0], parts[1], request_id, -1, true, _features(), ending, ms, found)
	var answer := await Retry.run(entrance.frames, attempt, ending, Entrance.may_pass)
	_leave_entrance(ending)
	if answer.code != "":
		return Http.result_of(answer)
	# The first part of a key is the player's id.
	var id := parts[1].get_slice(".", 0)
	var name := ""
	for member in Message.dictionaries_of(answer.json.lobby, "members"):
		if member.get("clientId") == id:
			name = Message.text_of(member, "name")
	found["name"] = name
	return _entered(answer.json, found, options, {})


## The public lobbies: [member OrionResult.lobbies]. Options: name (a part of it), game, where (like ["skill:lte:1200"]), is_open, sort (a key; with - before it the
## greatest first), limit (1 to 200), cursor (that of the page before).
func list(options: Dictionary = {}) -> OrionResult:
	var wrong := _unknown_option(options, ["name", "game", "where", "is_open", "sort", "limit", "cursor"])
	if wrong:
		return wrong
	var ready := _prepare()
	if ready:
		return ready
	var query := PackedStringArray()
	for field: String in ["name", "game", "sort", "limit", "cursor"]:
		if options.has(field):
			# A number that was read from JSON is no int.
			var value: Variant = int(options[field]) if options[field] is float else options[field]
			query.append("%s=%s" % [field, str(value).uri_encode()])
	if options.has("is_open"):
		query.append("open=%s" % ("true" if options.is_open else "false"))
	for condition: Variant in options.get("where", []):
		query.append("where=%s" % str(condition).uri_encode())
	var ending := _ending
	var entrance := _entrance
	var found := await entrance.find(ending)
	if found.code != "":
		return Http.result_of(found)
	var answer := await entrance.http.request({"path": "lobbies?%s" % "&".join(query)}, ending)
	var result := Http.result_of(answer)
	if result.is_ok and answer.json is Dictionary:
		result.cursor = Message.text_of(answer.json, "cursor")
		for entry in Message.dictionaries_of(answer.json, "lobbies"):
			result.lobbies.append(_listed(entry))
	return result


## Leaves all lobbies and closes all links, at once. What is awaited ends with the code aborted.
func close() -> void:
	_ending.code = "aborted"
	_ending = Ending.new()
	for lobby in _lobbies.duplicate():
		lobby._close_now()
	_lobbies.clear()
	_resolver.close()
	_is_entering = false


func _enter(place: String, ask_with: Callable, options: Dictionary, about_lobby: Dictionary) -> OrionResult:
	var ready := _prepare()
	if ready:
		return ready
	if not options.get("name", "") is String:
		return _invalid("The name must be a text.")
	# One at a time: a second click on a button must not open a second lobby.
	_is_entering = true
	var ending := _ending
	var entrance := _entrance
	var found := {}
	var answer := await entrance.find(ending)
	if answer.code == "":
		answer = await entrance.enter(place, _features(), ask_with, str(options.get("name", "")), ending, found)
	_leave_entrance(ending)
	if answer.code != "":
		return Http.result_of(answer)
	return _entered(answer.json, found, options, about_lobby)


## Another may enter, unless this was called off, and another has begun.
func _leave_entrance(ending: Ending) -> void:
	if ending == _ending:
		_is_entering = false


func _entered(welcome: Dictionary, found: Dictionary, options: Dictionary, about_lobby: Dictionary) -> OrionResult:
	var session := Session.new(_entrance, found.connection, welcome, found.name, options.get("privacy") == "relay-only")
	var about := {
		"secret": str(options.get("secret", "")),
		"is_encryption_required": about_lobby.get("encryption") == "required",
		"accepts_host": options.get("accepts_host", true),
		"has_udp": uses_udp and not OS.has_feature("web"),
		"unproven": _unproven,
		"resolver": _resolver,
	}
	var result := OrionResult.ok()
	result.lobby = OrionLobby.new(session, _entrance, about)
	result.was_created = Message.bool_of(welcome, "created")
	_lobbies.append(result.lobby)
	return result


## Null if requests can be made; else why not.
func _prepare() -> OrionResult:
	if not is_inside_tree():
		return Problems.failed("not_in_tree")
	if _is_entering:
		return Problems.failed("busy")
	var url := Entrance.server_url(server_url)
	if url == "":
		return Problems.failed("invalid_url")
	if _entrance == null or _entrance_url != url or _entrance.tls != tls_options:
		_entrance = Entrance.new(self, url, tls_options, _frames)
		_entrance_url = url
	return null


func _features() -> Array[String]:
	var features: Array[String] = ["links", "ws-relay", "encrypted"]
	if WebRtc.is_there():
		features.append("webrtc")
	return features


func _player_body(options: Dictionary, player: Dictionary) -> Dictionary:
	var body := {}
	if options.has("display_name"):
		body["displayName"] = options.display_name
	elif player.display != "":
		body["displayName"] = player.display
	if options.has("data_of_player"):
		body["memberData"] = options.data_of_player
	return body


func _lobby_body(options: Dictionary, host_name: String) -> Dictionary:
	var body := {"lobbyName": host_name, "maxMembers": MAX_PLAYERS, "onLoss": "continue", "graceMs": GRACE_MS}
	var lobby := Names.named(str(options.get("lobby_name", options.get("name", ""))), "Lobby")
	if options.has("lobby_name"):
		body["lobbyName"] = lobby.orion
	if lobby.display != "":
		body["title"] = lobby.display
	for option: String in LOBBY_OPTIONS:
		if options.has(option):
			body[LOBBY_OPTIONS[option]] = options[option]
	return body


func _listed(entry: Dictionary) -> Dictionary:
	var members := Message.int_of(entry, "currentMembers")
	var most := Message.int_of(entry, "maxMembers")
	var name := Message.text_of(entry, "name")
	return {
		"code": Message.text_of(entry, "id"),
		"name": name,
		"title": Message.text_of(entry, "title", name),
		"members": members,
		"max_members": most,
		"privacy": Message.text_of(entry, "privacy"),
		"game": Message.text_of(entry, "game"),
		"is_locked": Message.bool_of(entry, "locked"),
		"has_password": Message.bool_of(entry, "hasPassword"),
		"is_full": Message.bool_of(entry, "full", members >= most),
		"data": Message.dictionary_of(entry, "data"),
	}


func _unknown_option(options: Dictionary, known: Array) -> OrionResult:
	for option: Variant in options:
		if option not in known:
			return _invalid("There is no option \"%s\"." % option)
	return null


func _invalid(sentence: String) -> OrionResult:
	push_error(sentence)
	return OrionResult.failed("invalid_argument", sentence)
