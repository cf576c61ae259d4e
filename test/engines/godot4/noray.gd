# A noray client with the engine's real ENet. It takes the steps of netfox's client, with its timings:
#   godot --headless --path . --script noray.gd -- host <ip> <tcp port> <registrar port>
#   godot --headless --path . --script noray.gd -- guest <ip> <tcp port> <registrar port> <oid> <nat|relay>
# A guest of "nat" asks for the host's address first, and for a relay when that fails.
# Each line that it prints after "noray: " is JSON.
extends SceneTree

const EVERY := 0.1
const PATIENCE := 8.0

var tcp := StreamPeerTCP.new()
var server := ""
var oid := ""
var pid := ""
var local_port := 0
var unread := PackedByteArray()
var targets: Array[Dictionary] = []


func _initialize() -> void:
	var args := OS.get_cmdline_user_args()
	server = args[1]
	if not await connect_to_server(int(args[2])):
		return give_up("tcp")
	if not await register_host():
		return give_up("register-host")
	if not await register_remote(int(args[3])):
		return give_up("registrar")
	tell({"event": "registered", "oid": oid, "port": local_port})
	if args[0] == "host":
		await host()
	else:
		await guest(args[4], args[5])


func connect_to_server(port: int) -> bool:
	if tcp.connect_to_host(server, port) != OK:
		return false
	while tcp.get_status() == StreamPeerTCP.STATUS_CONNECTING:
		tcp.poll()
		await process_frame
	tcp.set_no_delay(true)
	return tcp.get_status() == StreamPeerTCP.STATUS_CONNECTED


func say(line: String) -> void:
	tcp.put_data((line + "\n").to_utf8_buffer())


# Reads what is there. Keeps what follows the last line end.
func read_lines() -> void:
	tcp.poll()
	var available := tcp.get_available_bytes()
	if available > 0:
		unread.append_array(tcp.get_data(available)[1])
	var end := unread.rfind(10)
	if end < 0:
		return
	var text := unread.slice(0, end).get_string_from_utf8()
	unread = unread.slice(end + 1)
	for line in text.split("\n", false):
		var words := line.split(" ")
		var data := words[1] if words.size() > 1 else ""
		match words[0]:
			"set-oid":
				oid = data
			"set-pid":
				pid = data
			"connect":
				var parts := data.split(":")
				targets.append({"how": "connect", "address": parts[0], "port": int(parts[1])})
			"connect-relay":
				targets.append({"how": "connect-relay", "address": server, "port": int(data)})


func register_host() -> bool:
	say("register-host")
	var ends_at := Time.get_ticks_msec() + PATIENCE * 1000
	while pid == "" and Time.get_ticks_msec() < ends_at:
		read_lines()
		await process_frame
	return pid != "" and oid != ""


func register_remote(port: int) -> bool:
	var udp := PacketPeerUDP.new()
	if udp.bind(0) != OK:
		return false
	udp.set_dest_address(server, port)
	var ends_at := Time.get_ticks_msec() + PATIENCE * 1000
	while Time.get_ticks_msec() < ends_at:
		udp.put_packet(pid.to_ascii_buffer())
		await create_timer(EVERY).timeout
		if udp.get_available_packet_count() == 0:
			continue
		# The first packet decides.
		if udp.get_packet().get_string_from_ascii() == "OK":
			local_port = udp.get_local_port()
		break
	udp.close()
	return local_port > 0


func host() -> void:
	var peer := ENetMultiplayerPeer.new()
	if peer.create_server(local_port) != OK:
		return give_up("enet server")
	tell({"event": "hosting"})
	while true:
		read_lines()
		while not targets.is_empty():
			blast(peer, targets.pop_front())
		peer.poll()
		while peer.get_available_packet_count() > 0:
			var from := peer.get_packet_peer()
			var text := peer.get_packet().get_string_from_utf8()
			tell({"event": "heard", "text": text})
			peer.set_target_peer(from)
			peer.put_packet(("welcome, " + text).to_utf8_buffer())
		await process_frame


# Opens the router for the guest, and tells it that it is heard.
func blast(peer: ENetMultiplayerPeer, target: Dictionary) -> void:
	tell({"event": "told", "how": target.how})
	for i in int(PATIENCE / EVERY):
		peer.host.socket_send(target.address, target.port, "$rwx".to_ascii_buffer())
		await create_timer(EVERY).timeout


func guest(host_oid: String, first: String) -> void:
	if first == "nat" and await join("connect", host_oid):
		return done("connect")
	if await join("connect-relay", host_oid):
		return done("connect-relay")
	give_up("no way to the host")


func join(how: String, host_oid: String) -> bool:
	targets.clear()
	say("%s %s" % [how, host_oid])
	var ends_at := Time.get_ticks_msec() + PATIENCE * 1000
	while targets.is_empty():
		if Time.get_ticks_msec() > ends_at:
			return false
		read_lines()
		await process_frame
	var target: Dictionary = targets.pop_front()
	var shaken: String = await handshake(target)
	tell({"event": "shaken", "how": how, "result": shaken})
	return shaken != "failed" and await play(target)


func handshake(target: Dictionary) -> String:
	var udp := PacketPeerUDP.new()
	if udp.bind(local_port) != OK:
		return "failed"
	udp.set_dest_address(target.address, target.port)
	var hears := false
	var is_heard := false
	var is_done := false
	var ends_at := Time.get_ticks_msec() + PATIENCE * 1000
	while not is_done and Time.get_ticks_msec() < ends_at:
		while udp.get_available_packet_count() > 0:
			var text := udp.get_packet().get_string_from_ascii()
			hears = true
			if text.contains("r"):
				is_heard = true
			if is_heard and text.contains("x"):
				is_done = true
		udp.put_packet(("$%sw%s" % ["r" if hears else "-", "x" if is_heard else "-"]).to_ascii_buffer())
		if not is_done:
			await create_timer(EVERY).timeout
	udp.close()
	return "ok" if is_done else ("busy" if hears else "failed")


# The game itself, over the engine's ENet, from the port that the registrar has seen.
func play(target: Dictionary) -> bool:
	var peer := ENetMultiplayerPeer.new()
	if peer.create_client(target.address, target.port, 0, 0, 0, local_port) != OK:
		return false
	var ends_at := Time.get_ticks_msec() + PATIENCE * 1000
	var has_spoken := false
	while Time.get_ticks_msec() < ends_at:
		peer.poll()
		var status := peer.get_connection_status()
		if status == MultiplayerPeer.CONNECTION_DISCONNECTED:
			return false
		if status == MultiplayerPeer.CONNECTION_CONNECTED and not has_spoken:
			has_spoken = true
			peer.set_target_peer(MultiplayerPeer.TARGET_PEER_SERVER)
			peer.put_packet(("this is %s" % oid).to_utf8_buffer())
		while peer.get_available_packet_count() > 0:
			if peer.get_packet().get_string_from_utf8() == "welcome, this is %s" % oid:
				peer.close()
				return true
		await process_frame
	return false


func tell(what: Dictionary) -> void:
	print("noray: ", JSON.stringify(what))


func done(how: String) -> void:
	tell({"event": "played", "how": how})
	quit(0)


func give_up(at: String) -> void:
	tell({"event": "failed", "at": at})
	quit(1)
