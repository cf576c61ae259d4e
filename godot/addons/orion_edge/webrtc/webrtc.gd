extends RefCounted
## WebRTC, where the engine has it by itself: in web exports.

const RtcChannel := preload("rtc_channel.gd")
const Session := preload("../session/session.gd")


static func is_there() -> bool:
	return OS.has_feature("web") and ClassDB.class_exists("WebRTCPeerConnection")


## Makes the channel of a link, from the peer's id, the link's id and what the introduction says of WebRTC. Not valid where there is none.
static func channels(session: Session) -> Callable:
	if not is_there():
		return Callable()
	return func(peer_id: String, link_id: String, told: Dictionary) -> RefCounted: return RtcChannel.new(session, peer_id, link_id, told)
