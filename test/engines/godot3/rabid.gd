# A client of Rabid Hole Punch with the engine's own sockets. It does what the plugin does, state by state and frame by frame, and then opens
# ENet on the port that it has got: the host a server, a guest a client that sends from its own port.
#
#   godot3-server --path test/engines/godot3 -s res://rabid.gd --server=127.0.0.1 --port=57775 --session=Room --name=Ann --players=2 [--host] [--password=…]
#
# The host starts when so many players are there. It prints a line (as an error: those are not held back) for each step, the last of which is "state done" or
# "failed <text>".
extends SceneTree

const REQUEST_MS = 500
const GIVE_UP_MS = 15000
const FINISH_MS = 2000
const TICK_MS = 50
const GREETINGS_PER_PORT = 5
const PORTS_AROUND = 8
const LISTEN_MS = 5250
const CONFIRM_MS = 2000
const LAST_MS = 1500
const START_IN_S = 3
const ENET_MS = 10000

var options = {"server": "127.0.0.1", "port": "57775", "session": "", "name": "", "players": "2", "password": ""}
var is_host = false
var state = "none"
var udp = PacketPeerUDP.new()
var names = []
var request = ""
var sent_at = 0
var heard_at = 0
var state_at = 0
var own_port = 0
# Names, and for each a dictionary of ip, port, and the port that it was heard to be at.
var others = []
var peers = {}
var tick = 0
var tick_at = 0
var reached = {}
var ready = {}
var start_at = -1
var enet = null
var greeted = {}
var complete_at = -1

func _init():
	Engine.target_fps = 60
	for argument in OS.get_cmdline_args():
		if argument == "--host":
			is_host = true
		elif argument.begins_with("--") and "=" in argument:
			var parts = argument.substr(2, argument.length()).split("=", true, 1)
			options[parts[0]] = parts[1]
	var fields = [options.session, options.name]
	if is_host:
		fields.append("12")
	if options.password != "":
		fields.append(options.password)
	udp.set_dest_address(options.server, int(options.port))
	request = ("h:" if is_host else "c:") + PoolStringArray(fields).join(":")
	enter("requesting")
	say(request)

func _idle(_delta):
	var now = OS.get_ticks_msec()
	match state:
		"requesting", "in_session":
			ask(now)
		"finishing":
			if now - state_at >= FINISH_MS:
				greet_from(own_port)
		"greetings":
			greet(now)
		"confirmations":
			confirm(now)
		"enet":
			play(now)
		"done", "failed":
			quit()

func enter(next):
	state = next
	state_at = OS.get_ticks_msec()
	heard_at = state_at
	tick = 0
	tick_at = state_at
	printerr("state ", next)

func fail(text):
	udp.close()
	enter("failed")
	printerr("failed ", text)

func say(text):
	sent_at = OS.get_ticks_msec()
	udp.put_packet(text.to_utf8())

# One packet a frame.
func next_text():
	if udp.get_available_packet_count() == 0:
		return null
	return udp.get_packet().get_string_from_utf8()

func ask(now):
	var text = next_text()
	if text == null:
		if now - heard_at > GIVE_UP_MS:
			fail("server_timeout")
		elif now - sent_at >= REQUEST_MS:
			say(request)
		return
	heard_at = now
	var parts = text.split(":")
	if parts[0] == "error":
		if state == "in_session" and parts[1] in ["non_host_player", "only_one_player_in_session"]:
			request = "p:" + options.session + ":" + options.name
		else:
			fail(parts[1])
	elif parts[0] == "i":
		hear_names(text)
	elif parts[0] == "s" and state == "in_session":
		hear_start(text)

func hear_names(text):
	var told = Array(text.split(":"))
	told.pop_front()
	if state == "requesting":
		request = "p:" + options.session + ":" + options.name
		enter("in_session")
		sent_at = OS.get_ticks_msec()
	if told != names:
		names = told
		printerr("names ", PoolStringArray(names).join(" "))
	if names[0] == options.name:
		is_host = true
	if is_host and names.size() >= int(options.players) and not request.begins_with("s:"):
		request = "s:" + options.session + ":" + options.name
		say(request)

func hear_start(text):
	var parts = text.split(":", true, 2)
	if parts.size() < 3:
		return
	for entry in parts[2].split(";"):
		var fields = entry.split(":")
		if fields.size() == 3:
			others.append(fields[0])
			peers[fields[0]] = {"ip": fields[1], "port": int(fields[2]), "at": 0}
	if others.empty():
		return
	own_port = int(parts[1])
	printerr("start ", own_port, " ", PoolStringArray(others).join(" "))
	udp.close()
	enter("finishing")

func greet_from(port):
	udp = PacketPeerUDP.new()
	if udp.listen(port, "*") != OK:
		fail("cannot bind " + str(port))
		return
	enter("greetings")

func send_to(peer, port, text):
	udp.set_dest_address(peer.ip, port)
	udp.put_packet(text.to_utf8())

func greet(now):
	var text = next_text()
	if text != null and text.begins_with("g:"):
		var port = int(text.split(":")[3])
		reached[port] = reached.get(port, 0) + 1
	var per_port = GREETINGS_PER_PORT + 1
	var ticks = (2 * PORTS_AROUND + 1) * per_port
	if tick < ticks:
		if now < tick_at:
			return
		# A tick is lost at each change of the port.
		if tick % per_port < GREETINGS_PER_PORT:
			var offset = offset_of(tick / per_port)
			for other in others:
				var peer = peers[other]
				var aim = peer.port + offset
				send_to(peer, aim, "g:%s:%d:%d" % [options.name, own_port, aim])
		tick += 1
		tick_at += TICK_MS
		if tick == ticks:
			heard_at = now
	elif now - heard_at >= LISTEN_MS:
		if reached.empty():
			fail("unreachable_self")
			return
		var best = reached.keys()[0]
		for port in reached:
			if reached[port] > reached[best]:
				best = port
		if best != own_port:
			udp.close()
			own_port = best
			udp = PacketPeerUDP.new()
			udp.listen(own_port, "*")
		enter("confirmations")

# 0 first, then from -8 to 8 without it.
func offset_of(index):
	if index == 0:
		return 0
	return index - 1 - PORTS_AROUND if index <= PORTS_AROUND else index - PORTS_AROUND

func confirm(now):
	var text = next_text()
	if text != null:
		var parts = text.split(":")
		if parts[0] == "c" and parts[1] in peers:
			peers[parts[1]].at = int(parts[2])
		elif parts[0] == "y":
			ready[parts[1]] = true
		elif parts[0] == "s" and start_at < 0:
			start_at = now + int(parts[1]) * 1000
	var since = now - state_at
	var is_starting = is_host and since >= CONFIRM_MS
	if now >= tick_at:
		for other in others:
			var peer = peers[other]
			var port = peer.at if peer.at != 0 else peer.port + tick % (2 * PORTS_AROUND + 1) - PORTS_AROUND
			if is_starting:
				send_to(peer, port, "s:%d" % START_IN_S)
			elif start_at >= 0:
				send_to(peer, port, "y:%s:%d" % [options.name, own_port])
			else:
				send_to(peer, port, "c:%s:%d" % [options.name, own_port])
		tick += 1
		tick_at += TICK_MS
	if is_host:
		if is_starting and (ready.size() == others.size() or since >= CONFIRM_MS + LAST_MS):
			open_enet()
	elif start_at >= 0:
		if now >= start_at:
			open_enet()
	elif since >= CONFIRM_MS + LAST_MS and peers[others[0]].at == 0:
		fail("host_not_confirmed")

func open_enet():
	udp.close()
	enet = NetworkedMultiplayerENet.new()
	var error
	if is_host:
		error = enet.create_server(own_port, 12)
	else:
		var host = peers[others[0]]
		var port = host.at if host.at != 0 else host.port
		error = enet.create_client(host.ip, port, 0, 0, own_port)
	if error != OK:
		fail("enet " + str(error))
		return
	enter("enet")

# Guests say their names to the host, which says them back.
func play(now):
	enet.poll()
	while enet.get_available_packet_count() > 0:
		var from = enet.get_packet_peer()
		var text = enet.get_packet().get_string_from_utf8()
		printerr("heard ", text)
		greeted[text] = true
		if is_host:
			enet.set_target_peer(from)
			enet.put_packet(("hello " + text).to_utf8())
	if not is_host and enet.get_connection_status() == NetworkedMultiplayerPeer.CONNECTION_CONNECTED:
		if tick == 0:
			enet.set_target_peer(1)
			enet.put_packet(options.name.to_utf8())
		tick = 1
	var is_complete = greeted.size() == (others.size() if is_host else 1)
	if is_complete and complete_at < 0:
		complete_at = now
	# The last answer is still on its way.
	if is_complete and now - complete_at >= 500:
		if is_host:
			enet.close_connection()
		enter("done")
	elif now - state_at > ENET_MS:
		fail("no enet")
