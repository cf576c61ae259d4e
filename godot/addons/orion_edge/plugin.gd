@tool
extends EditorPlugin
## The addon's classes are there without the plugin. Enabled, it adds the inspector to every scene of the game.

const PANEL := "OrionInspectorPanel"


func _enable_plugin() -> void:
	add_autoload_singleton(PANEL, "res://addons/orion_edge/inspector/inspector.tscn")


func _disable_plugin() -> void:
	remove_autoload_singleton(PANEL)
