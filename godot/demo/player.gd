## One player's square. The player that its name is the peer id of moves it.
extends ColorRect

const SPEED := 240.0
## Below the line with the code, and above the hint.
const ARENA := Rect2(0, 44, 960, 460)


func _enter_tree() -> void:
	var id := name.to_int()
	set_multiplayer_authority(id)
	color = Color.from_hsv(fmod(id * 0.618, 1.0), 0.7, 0.9)
	position = Vector2(40 + absi(hash(id)) % 500, 60 + absi(hash(id + 1)) % 300)
	var peer := multiplayer.multiplayer_peer as OrionMultiplayerPeer
	var player := peer.player_of(id) if peer else null
	$Name.text = player.display_name if player else ""


func _process(delta: float) -> void:
	if not is_multiplayer_authority():
		return
	var way := Input.get_vector("ui_left", "ui_right", "ui_up", "ui_down")
	position = (position + way * SPEED * delta).clamp(ARENA.position, ARENA.end - size)
