# Meets players in a lobby of Orion Edge, and makes a way through their routers for a UDP port. ENet can then use that port.
#
# It speaks Orion's protocol alone (docs/protocol.md): direct paths, no relay and no encryption.
extends Node

signal code_received(code)
# own_port: for ENet. peers: [{ip, port}], the guests at the host, and the host at a guest.
signal punched(own_port, peers)
# A code of the server, or connection_lost, no_port or not_direct.
signal failed(code)

const GREET_S = 0.1
const GIVE_UP_S = 10.0
# For so long greetings of others are answered after all have been heard: an answer may be lost.
const LINGER_S = 1.0

var is_host = false
var _server = ""
var _code = ""
var _name = ""
var _players = 2
var _token = ""
var _members = 1
var _is_over = false
var _socket = WebSocketClient.new()
var _http = HTTPRequest.new()
var _request = ""
var _udp = PacketPeerUDP.new()
var _own_port = 0
# By "ip port" as the server has told it: where it is, and whether it has heard us.
var _peers = {}
var _greeted_s = 0.0
var _punching_s = 0.0
var _done_s = -1.0


# Opens a lobby, and starts as soon as so many players are there.
func host(server, player_name, players):
	is_host = true
	_players = players
	_begin(server, player_name, "/lobbies")


func join(server, player_name, code):
	_code = code.to_upper()
	_begin(server, player_name, "/lobbies/" + _code)


func _begin(server, player_name, path):
	_server = server.trim_suffix("/")
	_name = player_name
	add_child(_http)
	_http.connect("request_completed", self, "_on_answer")
	_socket.connect("connection_established", self, "_on_established")
	_socket.connect("data_received", self, "_on_data")
	_socket.connect("connection_error", self, "_fail", ["connection_lost"])
	_socket.connect("connection_closed", self, "_on_closed")
	for _try in range(20):
		_own_port = 20000 + randi() % 40000
		if _udp.listen(_own_port, "0.0.0.0") == OK:
			break
		_own_port = 0
	if _own_port == 0:
		_fail("no_port")
	elif _socket.connect_to_url(_server.replace("http", "ws") + path) != OK:
		_fail("connection_lost")


func _process(delta):
	if _is_over:
		return
	_socket.poll()
	while _udp.get_available_packet_count() > 0:
		var text = _udp.get_packet().get_string_from_ascii()
		if text == "orion" or text == "orion heard":
			_hear(_udp.get_packet_ip(), _udp.get_packet_port(), text == "orion heard")
	if _peers.empty():
		return
	_punching_s += delta
	_greeted_s += delta
	if _greeted_s >= GREET_S:
		_greeted_s = 0.0
		for peer in _peers.values():
			_udp.set_dest_address(peer.ip, peer.port)
			_udp.put_packet(("orion heard" if peer.is_heard else "orion").to_ascii())
	if _done_s >= 0:
		_done_s += delta
		if _done_s >= LINGER_S:
			_finish()
	elif _is_done():
		_done_s = 0.0
		_say("ptpMediation_peersConnection_success", {})
	elif _punching_s >= GIVE_UP_S:
		_fail("not_direct")


func _hear(ip, port, has_heard):
	for peer in _peers.values():
		# A router may give its player another port than the server saw.
		if peer.ip == ip and (peer.port == port or not peer.is_heard):
			peer.port = port
			peer.is_heard = true
			peer.has_heard = peer.has_heard or has_heard
			return


func _is_done():
	for peer in _peers.values():
		if not peer.has_heard:
			return false
	return true


func _finish():
	_is_over = true
	_udp.close()
	_socket.disconnect_from_host()
	emit_signal("punched", _own_port, _peers.values())


func _fail(code):
	if not _is_over:
		_is_over = true
		_udp.close()
		emit_signal("failed", code)


func _on_established(_protocol):
	# The engine writes binary frames otherwise.
	_socket.get_peer(1).set_write_mode(WebSocketPeer.WRITE_MODE_TEXT)


func _on_closed(_was_clean):
	# When all are connected the lobby has done its work.
	if _done_s < 0:
		_fail("connection_lost")


func _on_data():
	var text = _socket.get_peer(1).get_packet().get_string_from_utf8()
	var colon = text.find(":")
	var payload = JSON.parse(Marshalls.base64_to_utf8(text.substr(colon + 1))).result if colon > 0 else null
	if not payload is Dictionary:
		return
	match text.substr(0, colon):
		"client_registered":
			_token = payload.token
			if is_host:
				_post("/lobbies", {"hostName": _name, "lobbyName": _name, "isPublic": false, "maxMembers": _players})
			else:
				_post("/lobbies/%s/join" % _code, {"peerName": _name})
		"lobby_peerConnect":
			_members += 1
			if is_host and _members == _players:
				_post("/lobbies/%s/ptp/start" % _code, {})
		"lobby_peerDisconnect":
			_members -= 1
		"ptpMediation_send":
			var address = _server.split("://")[1].split(":")[0]
			_udp.set_dest_address(payload.get("host", address), int(payload.port))
			_udp.put_packet(_encoded("ptpMediation_connect", {}).to_utf8())
		"ptpMediation_peersConnection_start":
			for peer in payload.peers:
				_peers["%s %d" % [peer.ip, peer.port]] = {"ip": peer.ip, "port": int(peer.port), "is_heard": false, "has_heard": false}
		"ptpMediation_aborted":
			_fail(payload.get("code", "aborted"))


func _on_answer(_result, status, _headers, body):
	var answer = JSON.parse(body.get_string_from_utf8()).result
	if status < 200 or status > 299:
		var codes = answer.get("codes", []) if answer is Dictionary else []
		_fail(codes[0] if not codes.empty() else "connection_lost")
	elif _request == "/lobbies":
		_code = answer.lobbyId
		emit_signal("code_received", _code)


func _post(path, payload):
	_request = path
	payload["token"] = _token
	_http.request(_server + path, ["Content-Type: application/json"], true, HTTPClient.METHOD_POST, JSON.print(payload))


func _say(method, payload):
	_socket.get_peer(1).put_packet(_encoded(method, payload).to_utf8())


func _encoded(method, payload):
	payload["token"] = _token
	return "%s:%s" % [method, Marshalls.utf8_to_base64(JSON.print(payload))]
