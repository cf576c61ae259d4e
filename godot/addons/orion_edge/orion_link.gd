class_name OrionLink
extends RefCounted
## A connection to one other player, by the best path there is.
##
## Packets are like those of UDP: some are lost, some overtake others. Links outlive changes of the path.

## A packet that the peer's game has sent by [method send].
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
## Why the link is over, or its path is not direct; empty if there is nothing to explain.
var cause := ""
## Whether nobody but the two players can read or change what they send.
var is_encrypted := false
## Eight digits that both players see alike, if nobody is between them; empty while they are not known.
var safety_code := ""
## What happened, each with the milliseconds since the introduction: {at_ms, event}.
var timeline: Array[Dictionary] = []


## Whether packets can be sent.
func is_open() -> bool:
	return false


## Sends up to 1 200 bytes.
func send(_packet: PackedByteArray) -> Error:
	return ERR_UNCONFIGURED


## Sends a segment or an acknowledgement of the reliable stream, up to 1 200 bytes. Encrypted links alone carry them.
func send_segment(_segment: PackedByteArray) -> Error:
	return ERR_UNCONFIGURED


## Tells the peer, and is over.
func close() -> void:
	pass


## How it went and goes, for a log: no secrets, and no addresses.
func report() -> String:
	return ""
