extends RefCounted
## Our end of a link on the relay over UDP: binds it, and proves where it is when asked.

const Message := preload("../wire/message.gd")
const SignedDatagram := preload("../wire/signed_datagram.gd")
const Ticket := preload("../wire/ticket.gd")
const UdpSockets := preload("udp_sockets.gd")

## Challenges answered for one bind: one, and one more if the relay was just started.
const MOST_CHALLENGES := 2

var ip := ""
var port := 0
## Milliseconds for which the first ticket is good; 0 if the server cannot renew it.
var life_ms := 0
var ticket := ""
var key := ""

var _link_id: String
var _sockets: UdpSockets
## What the sidecar gave with its first sight, or when it challenged us.
var _cookie: String
## Of the ticket before: until the relay has heard of a new one, it signs with this.
var _key_before := ""
## The relay tells of the peer's coming under the nonce of an old bind: there is one for all.
var _nonce := Message.to_base64_url(Crypto.new().generate_random_bytes(12))
var _challenges := 0


## [param pass]: {ticket, key, lifeMs?} of the introduction.
func _init(pass_given: Dictionary, link_id: String, at_ip: String, at_port: int, cookie: String, sockets: UdpSockets) -> void:
	ticket = Message.text_of(pass_given, "ticket")
	key = Message.text_of(pass_given, "key")
	life_ms = Message.int_of(pass_given, "lifeMs")
	_link_id = link_id
	ip = at_ip
	port = at_port
	_cookie = cookie
	_sockets = sockets


## Takes a later ticket, for the next bind. False if it is another's.
func renew(later_ticket: String, later_key: String) -> bool:
	var later := Ticket.parse(later_ticket)
	if later.is_empty() or later.link != _link_id or later.relay != Ticket.parse(ticket).get("relay"):
		return false
	if later_key != key:
		_key_before = key
	ticket = later_ticket
	key = later_key
	return true


## Asks the relay to bind our end.
func bind() -> void:
	_challenges = 0
	_send_bind()


## What a datagram means for this link (link_udp.gd); empty if it is not for it, not the relay's, or needs nothing but an answer.
func hear(datagram: Dictionary) -> Dictionary:
	var payload: Dictionary = datagram.payload
	# Whose it says it is costs less to see than whose it is.
	if payload.get("nonce") != _nonce and payload.get("link") != _link_id:
		return {}
	var is_relays := SignedDatagram.is_signed_with(key, datagram)
	if not is_relays and (_key_before == "" or not SignedDatagram.is_signed_with(_key_before, datagram)):
		return {}
	match datagram.method:
		"ptpRelay_challenge":
			_prove(Message.text_of(payload, "cookie"))
		"ptpRelay_bound":
			return {"kind": "bound", "is_peer_there": Message.bool_of(payload, "peer")}
		"ptpRelay_refused":
			return {"kind": "refused", "code": Message.text_of(payload, "code")}
		"ptpRelay_notice":
			return {"kind": "notice", "code": Message.text_of(payload, "code"), "in_ms": Message.int_of(payload, "inMs")}
	return {}


func _prove(cookie: String) -> void:
	if cookie == "" or _challenges >= MOST_CHALLENGES:
		return
	_challenges += 1
	_cookie = cookie
	_send_bind()


func _send_bind() -> void:
	var payload := {"ticket": ticket, "nonce": _nonce}
	if _cookie != "":
		payload["cookie"] = _cookie
	_sockets.send_to(SignedDatagram.write(key, "ptpRelay_bind", payload), ip, port)
