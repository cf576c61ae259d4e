extends RefCounted
## What a client knows of its lobby: the server's picture of it (docs/staying.md), as a Dictionary with the server's keys, and how it changes with what the
## server says. [code]isPlaying[/code] is added: whether members are connected to each other, in a lobby that stays.
##
## What was heard may be taken again: an older version changes nothing.

const Message := preload("../wire/message.gd")

const SETTINGS: Array[String] = ["lobbyName", "title", "isPublic", "maxMembers", "hasPassword", "locked"]


## The view that a picture gives; empty for anything else.
static func of_picture(picture: Variant) -> Dictionary:
	if not picture is Dictionary or not picture.get("lobbyId") is String or not picture.get("members") is Array:
		return {}
	var view: Dictionary = picture.duplicate(true)
	var members := Message.dictionaries_of(view, "members").filter(
		func(member: Dictionary) -> bool: return member.get("clientId") is String and member.get("name") is String
	)
	view["isPlaying"] = members.any(func(member: Dictionary) -> bool: return member.get("via") != null)
	for member: Dictionary in members:
		if not member.get("data") is Dictionary:
			member["data"] = {}
	view["members"] = members
	if not view.get("data") is Dictionary:
		view["data"] = {}
	return view


static func member_of(view: Dictionary, client_id: String) -> Dictionary:
	for member: Dictionary in view.members:
		if member.clientId == client_id:
			return member
	return {}


## Takes a message into a copy of the view: {view, is_behind}. [code]is_behind[/code]: something before it was not heard.
static func after(before: Dictionary, message: Dictionary) -> Dictionary:
	var payload: Dictionary = message.payload
	if not payload.has("version"):
		return {"view": _changed(before, message), "is_behind": false}
	var version := Message.int_of(payload, "version")
	var known := Message.int_of(before, "version")
	if version <= known:
		return {"view": before, "is_behind": false}
	# Chat changes nothing.
	if version != known + 1 or message.method == "lobby_messaging_received":
		return {"view": before, "is_behind": true}
	var view := _changed(before, message)
	if is_same(view, before):
		view = before.duplicate(true)
	view["version"] = version
	return {"view": view, "is_behind": false}


static func _changed(before: Dictionary, message: Dictionary) -> Dictionary:
	var payload: Dictionary = message.payload
	var id := Message.text_of(payload, "clientId")
	if not message.method.begins_with("lobby_") and not message.method.begins_with("ptpMediation_"):
		return before
	var view := before.duplicate(true)
	var member := member_of(view, id)
	match message.method:
		"lobby_peerConnect":
			if id == "" or not member.is_empty():
				return before
			var name := Message.text_of(payload, "peerName")
			var made := {"clientId": id, "name": name, "displayName": Message.text_of(payload, "displayName", name)}
			made.merge({"presence": "connected", "data": Message.dictionary_of(payload, "data"), "hidden": false})
			view.members.append(made)
		"lobby_peerDisconnect":
			view.members.erase(member)
		"lobby_memberAway":
			member["presence"] = "away"
		"lobby_memberBack":
			member["presence"] = "connected"
		"lobby_hostChanged":
			if Message.int_of(payload, "term") <= Message.int_of(view, "term"):
				return before
			view["hostId"] = id
			view["term"] = Message.int_of(payload, "term")
			# In a star all were connected to the host before.
			view["isPlaying"] = view.isPlaying and view.get("topology") == "mesh"
			view["bans"] = []
		"lobby_changed":
			for field in SETTINGS:
				if payload.has(field):
					view[field] = payload[field]
			_merge(view.data, Message.dictionary_of(payload, "data"))
		"lobby_memberChanged":
			for field in ["displayName", "hidden"]:
				if payload.has(field):
					member[field] = payload[field]
			if not member.is_empty():
				_merge(member.data, Message.dictionary_of(payload, "data"))
		"ptpMediation_send":
			var mediation: Variant = payload.get("mediation")
			if view.phase.kind == "gathering" and view.phase.get("mediation") == mediation:
				return before
			view["phase"] = {"kind": "gathering", "mediation": mediation, "seen": [], "awaited": []}
		"ptpMediation_progress":
			view["phase"] = payload.duplicate(true)
			view.phase["kind"] = "gathering"
		"ptpMediation_peersConnection_start":
			view["phase"] = {"kind": "connecting", "mediation": view.phase.get("mediation"), "seen": [], "awaited": []}
		"ptpMediation_aborted":
			view["phase"] = {"kind": "waiting", "seen": [], "awaited": []}
		"ptpMediation_success":
			view["phase"] = {"kind": "waiting", "seen": [], "awaited": []}
			view["isPlaying"] = view.get("lifetime") == "session"
		_:
			return before
	return view


## The keys that differ; null stands for one that is gone.
static func data_between(before: Dictionary, now: Dictionary) -> Dictionary:
	var change := {}
	for key: String in before:
		if not now.has(key):
			change[key] = null
	for key: String in now:
		if not before.has(key) or not is_same(before[key], now[key]):
			change[key] = now[key]
	return change


static func _merge(data: Dictionary, change: Dictionary) -> void:
	for key: String in change:
		if change[key] == null:
			data.erase(key)
		else:
			data[key] = change[key]
