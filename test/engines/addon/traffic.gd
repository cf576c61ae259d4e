## A host and its eight peers, in two processes, at 60 frames a second: what the packets of a game cost the host.
## Arguments: the server's URL; for the process of the peers the code.
##
## The host first sends nothing, then a packet of 200 bytes to each peer in every frame; then the peers answer each packet, too. It prints when a phase
## begins, and at its end the frames of the phase and the packets sent and received.
extends SceneTree

const PEERS := 8
const BYTES := 200
const PHASES: Array[String] = ["idle", "sending", "both"]
## Milliseconds of a phase, and until the first begins.
const PHASE_MS := 3_000
const CALM_MS := 1_000

var _peers: Array[OrionMultiplayerPeer] = []
var _packet := PackedByteArray()


func _initialize() -> void:
	_packet.resize(BYTES)
	Engine.max_fps = 60
	await process_frame
	var args := OS.get_cmdline_user_args()
	if args.size() == 1:
		await _be_host(args[0])
	else:
		await _be_peers(args[0], args[1])


func _be_host(url: String) -> void:
	var peer := OrionMultiplayerPeer.new()
	var result := await peer.host(_edge(url), {"name": "Host", "max_players": PEERS + 1})
	print("code ", result.lobby.code if result.is_ok else result.message)
	# A link begins on a relay, and moves.
	while not _is_complete(peer):
		await process_frame
		peer.poll()
	await _go(peer, "", CALM_MS)
	for phase in PHASES:
		await _go(peer, phase, PHASE_MS)
	quit()


func _is_complete(peer: OrionMultiplayerPeer) -> bool:
	var links: Array = peer.lobby.links.values()
	var is_direct := func(link: OrionLink) -> bool: return link.path == "direct" and link.is_encrypted
	return links.size() == PEERS and links.all(is_direct) and links.all(func(link: OrionLink) -> bool: return peer.link_of(peer.id_of(link.peer_id)) == link)


func _go(peer: OrionMultiplayerPeer, phase: String, ms: int) -> void:
	var frames := 0
	var sent := 0
	var received := 0
	var until := Time.get_ticks_msec() + ms
	if phase:
		print("begin ", phase)
	# The first byte tells the peers whether to answer.
	_packet[0] = int(phase == "both")
	while Time.get_ticks_msec() < until:
		await process_frame
		frames += 1
		peer.poll()
		received += _take_all(peer)
		if phase in ["sending", "both"]:
			_broadcast(peer)
			sent += PEERS
	if phase:
		print("end ", phase, " ", frames, " ", sent, " ", received)


func _be_peers(url: String, code: String) -> void:
	for i in PEERS:
		var peer := OrionMultiplayerPeer.new()
		var result := await peer.join(_edge(url), code, {"name": "Peer%d" % i})
		if not result.is_ok:
			print(result.message)
		_peers.append(peer)
	while true:
		await process_frame
		for peer in _peers:
			peer.poll()
			_answer(peer)


func _answer(peer: OrionMultiplayerPeer) -> void:
	while peer.get_available_packet_count() > 0:
		var packet := peer.get_packet()
		if packet[0] == 1:
			_broadcast(peer)


func _take_all(peer: OrionMultiplayerPeer) -> int:
	var count := 0
	while peer.get_available_packet_count() > 0:
		peer.get_packet()
		count += 1
	return count


func _broadcast(peer: OrionMultiplayerPeer) -> void:
	peer.transfer_mode = MultiplayerPeer.TRANSFER_MODE_UNRELIABLE
	peer.set_target_peer(MultiplayerPeer.TARGET_PEER_BROADCAST)
	peer.put_packet(_packet)


func _edge(url: String) -> OrionEdge:
	var edge := OrionEdge.new()
	edge.server_url = url
	root.add_child(edge)
	return edge
