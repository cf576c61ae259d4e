# Two players meet by a code, and play over ENet on the port that was punched.
#
#   godot --path examples/godot3 --server=http://localhost:5980 --name=Ada            prints the code
#   godot --path examples/godot3 --server=http://localhost:5980 --name=Bo --join=CODE
extends Node

var options = {"server": "http://localhost:5980", "name": "Player", "join": ""}


func _ready():
	randomize()
	Engine.target_fps = 60
	for argument in OS.get_cmdline_args():
		var parts = argument.trim_prefix("--").split("=", true, 1)
		if parts.size() == 2:
			options[parts[0]] = parts[1]
	$OrionPunch.connect("code_received", self, "_tell", ["code"])
	$OrionPunch.connect("failed", self, "_on_failed")
	$OrionPunch.connect("punched", self, "_on_punched")
	if options.join == "":
		$OrionPunch.host(options.server, options.name, 2)
	else:
		$OrionPunch.join(options.server, options.name, options.join)


func _on_punched(own_port, peers):
	var enet = NetworkedMultiplayerENet.new()
	if $OrionPunch.is_host:
		enet.create_server(own_port)
	else:
		# From the port that was punched, to the host's.
		enet.create_client(peers[0].ip, peers[0].port, 0, 0, own_port)
	get_tree().network_peer = enet
	get_tree().connect("connected_to_server", self, "_on_connected")
	get_tree().connect("connection_failed", self, "_on_failed", ["enet"])


func _on_connected():
	rpc_id(1, "greet", options.name)


remote func greet(from):
	_tell(from, "greeted by")
	if get_tree().is_network_server():
		rpc_id(get_tree().get_rpc_sender_id(), "greet", options.name)


func _on_failed(code):
	_tell(code, "failed")
	get_tree().quit()


func _tell(what, event):
	# As an error: those are not held back.
	printerr("%s %s" % [event, what])
