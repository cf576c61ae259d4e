@tool
extends EditorPlugin
## In the editor: switches the addon's plugin off and on again, and says what the project has of it each time.


func _enter_tree() -> void:
	_switch.call_deferred()


func _switch() -> void:
	for is_on: bool in [false, true, false, true]:
		EditorInterface.set_plugin_enabled("orion_edge", is_on)
		print("inspector: ", ProjectSettings.get_setting("autoload/OrionInspectorPanel", "none"))
	get_tree().quit()
