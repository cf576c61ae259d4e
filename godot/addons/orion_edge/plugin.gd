@tool
extends EditorPlugin
## The addon's classes are there without the plugin. Enabled, it adds the inspector to every scene of the game.

const PANEL := "OrionInspectorPanel"


func _enable_plugin() -> void:
	if not _has_panel():
		add_autoload_singleton(PANEL, "res://addons/orion_edge/inspector/inspector.tscn")


func _disable_plugin() -> void:
	if _has_panel():
		remove_autoload_singleton(PANEL)


## A project may have been edited by hand.
func _has_panel() -> bool:
	return ProjectSettings.has_setting("autoload/%s" % PANEL)
