## Runs what the page for Godot shows. Arguments: the server's URL, and how many examples there are, as res://docs/0.gd and so on. The first one
## hosts and joins.
extends SceneTree


func _initialize() -> void:
	await process_frame
	Engine.max_fps = 60
	var args := OS.get_cmdline_user_args()
	for i in int(args[1]):
		var script: GDScript = load("res://docs/%d.gd" % i)
		if not script.can_instantiate():
			print("not so: example %d" % i)
	var host := enter("host", args[0])
	var code: String = await host.host()
	var guest := enter("guest", args[0])
	var failure: String = await guest.join(code)
	if failure:
		print("not so: ", failure)
	await guest.multiplayer.connected_to_server
	print("connected")
	inspect(host)
	guest.peer.close()
	host.peer.close()
	quit()


## What a developer sees who presses F3, in a scene with an inspector, where the plugin has one, too.
func inspect(player: Node) -> void:
	var scene: PackedScene = load("res://addons/orion_edge/inspector/inspector.tscn")
	var inspector: OrionInspector = scene.instantiate()
	var of_plugin: OrionInspector = scene.instantiate()
	root.add_child(of_plugin)
	root.move_child(of_plugin, 0)
	var key := InputEventKey.new()
	key.keycode = KEY_F3
	key.pressed = true
	root.push_input(key)
	print("inspector of the plugin ", of_plugin.visible)
	player.add_child(inspector)
	of_plugin._process(0.0)
	root.push_input(key)
	print("inspectors ", inspector.visible, " ", of_plugin.visible)
	print("inspector ", inspector.visible, " ", inspector.get_node("%Players").get_root().get_child_count())
	inspector.get_node("%Players").get_root().get_child(0).select(0)
	print("timeline ", inspector.get_node("%Timeline").text.count(" ms  "))
	print(inspector.report())
	print("report ended; the code is in it: ", inspector.report().contains(player.peer.lobby.code))
	root.push_input(key)
	print("inspector ", inspector.visible)
	inspector.free()
	root.push_input(key)
	print("inspector of the plugin again ", of_plugin.visible)


func enter(title: String, url: String) -> Node:
	var player: Node = load("res://docs/0.gd").new()
	var orion := OrionEdge.new()
	orion.name = "OrionEdge"
	orion.server_url = url
	player.add_child(orion)
	player.name = title
	set_multiplayer(SceneMultiplayer.new(), NodePath("/root/%s" % title))
	root.add_child(player)
	return player
