extends RefCounted
## Ways to a peer: from one of our sockets to one of its addresses.

## Our sockets: the two that all links share, the two kinds of channels, and from 0 on those that a link opens to be found.
const V4 := -1
const V6 := -2
## The relay over WebSocket.
const WS := -3
## A data channel of WebRTC.
const RTC := -4

## The best first.
const KINDS: Array[String] = ["lan", "direct", "turn", "relay", "websocket"]


## Whether it has one peer at its other end, and opens and closes by itself.
static func is_channel(local: int) -> bool:
	return local == WS or local == RTC


## Whether nobody passes packets on.
static func is_straight(kind: String) -> bool:
	return kind == "lan" or kind == "direct"


static func rank_of(kind: String) -> int:
	return KINDS.find(kind)


## The shared socket that reaches an address.
static func socket_for(ip: String) -> int:
	return V6 if ip.contains(":") else V4
