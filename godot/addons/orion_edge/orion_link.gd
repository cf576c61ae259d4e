class_name OrionLink
extends RefCounted
## A connection to one other player, by the best path there is. Made by [OrionLobby].
##
## Packets are like those of UDP: some are lost, some overtake others. A link outlives changes of its path.

## A packet that the peer's game has sent by [method send]. Those that came before [signal OrionLobby.link_opened], up to 64, follow it.
signal packet_received(packet: PackedByteArray)
## A segment that the peer has sent by [method send_segment].
signal segment_received(segment: PackedByteArray)
## Packets go another way from now on: see [member path].
signal path_changed(path: String)
## No better path is looked for. The cause says why this one is not direct; empty if it is.
signal settled(cause: String)
## A relay will drop packets of this link in [param in_ms] (0: now), for this reason.
signal relay_noticed(code: String, in_ms: int)
## The link is over. The cause is empty if this player's game closed it. Comes once.
signal closed(cause: String)

const LinkEnd := preload("link/link_end.gd")
const Sealing := preload("sealing/sealing.gd")

## Bytes of the longest packet.
const MOST_BYTES := 1200

## The other player's id and name.
var peer_id := ""
var peer_name := ""
## "direct", "relay" (over UDP), "websocket" (a relay over WebSocket) or "webrtc"; empty while there is none.
var path := ""
## The SDK's word for it: "lan", "direct", "turn", "relay" or "websocket".
var path_kind := ""
## Milliseconds there and back; -1 while it is not known.
var round_trip_ms := -1.0
## Why the link is over, or its path is not direct; empty if there is nothing to explain. docs/links.md has the list.
var cause := ""
## Whether nobody but the two players can read or change what they send.
var is_encrypted := false
## Eight digits that both players see alike, if nobody is between them; empty while they are not known.
var safety_code := ""
## What happened, each with the milliseconds since the introduction: {at_ms, event}.
var timeline: Array[Dictionary] = []

var _end: LinkEnd


## Made by the addon.
func _init(end: LinkEnd) -> void:
	_end = end
	peer_id = end.peer_id
	peer_name = end.peer_name


## Whether packets can be sent.
func is_open() -> bool:
	return _end.is_usable()


## Sends up to 1 200 bytes. ERR_INVALID_PARAMETER for more, ERR_UNAVAILABLE if the link is closed.
func send(packet: PackedByteArray) -> Error:
	if packet.size() > MOST_BYTES:
		push_error("A packet may have 1200 bytes at most, and this one has %d." % packet.size())
		return ERR_INVALID_PARAMETER
	return _end.send(Sealing.GAME, packet)


## Sends a segment or an acknowledgement of the reliable stream, up to 1 200 bytes. ERR_UNAVAILABLE if the link is not encrypted, too.
func send_segment(segment: PackedByteArray) -> Error:
	if segment.size() > MOST_BYTES:
		push_error("A segment may have 1200 bytes at most, and this one has %d." % segment.size())
		return ERR_INVALID_PARAMETER
	return _end.send(Sealing.RELIABLE, segment)


## Tells the peer, and is over a moment later.
func close() -> void:
	_end.close()


## Packets that came and were dropped: {forged, replayed}.
func dropped() -> Dictionary:
	return _end.dropped()


## How it went and goes, for a log: no secrets, and no addresses.
func report() -> String:
	var lines := PackedStringArray()
	lines.append("link to %s: %s" % [peer_name, path_kind if is_open() else "closed"])
	if cause != "":
		lines.append("cause: %s" % cause)
	if round_trip_ms >= 0.0:
		lines.append("round trip: %.1f ms" % round_trip_ms)
	lines.append("encrypted: %s" % ("yes" if is_encrypted else "no"))
	var lost := dropped()
	lines.append("dropped: %d forged, %d replayed" % [lost.forged, lost.replayed])
	for line in timeline:
		lines.append("%7d ms  %s" % [line.at_ms, line.event])
	return "\n".join(lines)


func _to_string() -> String:
	return "OrionLink(%s, %s)" % [peer_name, path if path != "" else "no path"]
