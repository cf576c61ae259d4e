extends RefCounted
## One run of being seen by the server, introduced to the peers, and connected to them. Polled.

const Entrance := preload("../session/entrance.gd")
const Gathering := preload("../udp/gathering.gd")
const KeyTask := preload("../sealing/key_task.gd")
const LinkEnd := preload("link_end.gd")
const LinkKeys := preload("../sealing/link_keys.gd")
const Limits := preload("limits.gd")
const Message := preload("../wire/message.gd")
const Packet := preload("../wire/peer_packet.gd")
const Pairing := preload("pairing.gd")
const Problems := preload("../session/problems.gd")
const Relays := preload("../websocket/relays.gd")
const Renewals := preload("renewals.gd")
const Resolver := preload("../udp/resolver.gd")
const Session := preload("../session/session.gd")
const Turns := preload("turns.gd")
const Unproven := preload("unproven.gd")
const X25519 := preload("../sealing/x25519.gd")

## A link is usable.
signal linked(link: OrionLink)
## Some links could not be made, and it goes on without them.
signal went_on(report: Dictionary)
## As the host: go on without those who do not report.
signal patience_over

## Milliseconds that the server has to say that a mediation is over which has failed from here.
const ABORT_PATIENCE_MS := 2_000.0
## Milliseconds that a host who is connected waits for the others' reports.
const REPORT_PATIENCE_MS := 5_000.0
## Milliseconds after a sidecar has been silent for 2 s, until this client goes without UDP.
const UNSEEN_MS := 500.0
## Characters of a report's JSON: with the token, in base64, it is still a message that the server reads.
const REPORT_CHARACTERS := 11_500
const TIMELINE_LINES := 20


## Two keys of X25519.
static func new_keys() -> Array[PackedByteArray]:
	var private_key := X25519.new_private_key()
	return [private_key, X25519.public_key_of(private_key)]


## What the server calls it.
var id := ""
## "gathering", "connecting", "connected", "over".
var phase := "gathering"
## Why it has failed; empty while it has not.
var failure := ""
var failure_message := ""
var has_succeeded := false
## The one that the server has begun in its place.
var successor: RefCounted = null

var _session: Session
## Null where there is no UDP.
var _gathering: Gathering = null
var _no_udp := ""
var _pairing := Pairing.new()
var _renewals: Renewals
var _turns := Turns.new()
var _keys: KeyTask
var _goes_on := false
## Messages of the server that wait for the keys, or for a look-up.
var _asks := 0
var _introduction := {}
var _ends: Array[LinkEnd] = []
## By the number of their packets.
var _ends_by_number: Dictionary[int, LinkEnd] = {}
## Each peer that the introduction told: {told, end, cause}.
var _outcomes: Array[Dictionary] = []
var _is_introduced := false
var _without_udp_at := INF
var _polled_at := INF
var _over_at := INF
var _report_until := INF


## [param about]: id, encryption_required, secret, goes_on, has_udp, relays, unproven, resolver, webrtc.
func _init(session: Session, about: Dictionary) -> void:
	_session = session
	id = about.id
	_goes_on = about.goes_on
	_keys = KeyTask.begin(new_keys)
	_renewals = Renewals.new(func(tickets: Array) -> void: _session.say("ptpRelay_renew", {"tickets": tickets}))
	_pairing.own_id = session.own_id
	_pairing.features = session.features()
	_pairing.secret = about.secret
	_pairing.is_encryption_required = about.encryption_required
	_pairing.relays = about.relays
	_pairing.webrtc = about.webrtc
	_pairing.turns = _turns
	_pairing.unproven = about.unproven
	_pairing.is_relay_only = session.is_hidden or session.view.get("privacy") == "relay-only"
	if not about.has_udp:
		_no_udp = "no-udp"
		return
	_gathering = Gathering.new(Entrance.host_of(session.server), about.resolver, session.is_hidden)
	if not _gathering.open():
		_gathering = null
		_no_udp = "no-udp"
		return
	_gathering.received.connect(_receive)
	_gathering.unseen.connect(_take_unseen)
	_gathering.blocked.connect(_go_without_udp.bind("udp-blocked"))


func is_failing() -> bool:
	return phase == "over" or failure != ""


func is_done() -> bool:
	return phase == "connected"


## Whether nothing of it is left.
func is_gone() -> bool:
	if phase == "gathering" or phase == "connecting":
		return false
	return _ends.all(func(end: LinkEnd) -> bool: return end.is_over)


func is_linked() -> bool:
	return _ends.any(func(end: LinkEnd) -> bool: return end.is_usable() and not end.is_given_up())


## The links that are usable.
func links() -> Array[OrionLink]:
	var usable: Array[OrionLink] = []
	for end in _ends:
		if end.is_usable():
			usable.append(end.link)
	return usable


func needs_relay() -> bool:
	return _ends.any(func(end: LinkEnd) -> bool: return end.needs_relay())


## The server asks to see us: `ptpMediation_send`.
func ask(payload: Dictionary) -> void:
	if phase != "gathering" or failure != "":
		return
	var is_without := not payload.has("port")
	if is_without and _no_udp == "":
		_no_udp = "no-sidecar"
	_asks += 1
	if _gathering and not is_without:
		_gathering.ask(payload, LinkEnd.now())


## The server tells who the peers are: `ptpMediation_peersConnection_start`. A second time is none.
func introduce(payload: Dictionary) -> void:
	if phase == "gathering" and failure == "":
		phase = "connecting"
		_introduction = payload


## From now on this client is content with some of its links.
func go_on() -> void:
	_goes_on = true


func hear_tickets(payload: Dictionary) -> void:
	var tickets := Message.dictionaries_of(payload, "tickets")
	_renewals.hear(tickets, Message.int_of(payload, "lifeMs"), LinkEnd.now())


func hear_signal(from: String, data: Variant) -> void:
	for end in _ends:
		if end.peer_id == from:
			end.hear_signal(data)


## A member has left. A link that is there stays, unless the host has removed the member.
func lose(client_id: String, was_kicked: bool) -> void:
	for end in _ends:
		if end.peer_id == client_id and (was_kicked or not end.is_usable()):
			end.close("peer-left")


## Ends links that the peers must have given up by now: this program was suspended, and does not know yet.
func end_given_up() -> void:
	for end in _ends:
		if end.is_given_up():
			end.close("path-lost")


## The server has begun another in its place: who waits, waits for that one.
func give_way(next: RefCounted) -> void:
	successor = next
	abort("aborted", Problems.sentence_of("aborted"))


## It failed, by the server's word: what came about ends, the group is not connected.
func abort(code: String, message: String) -> void:
	_fail(code, message)
	for end in _ends:
		end.close("aborted")


## The lobby is over for this client. Links that were handed out live on.
func detach(code: String) -> void:
	_report_until = INF
	if phase == "connected":
		return
	_fail(code, Problems.sentence_of(code))
	for end in _ends:
		if not end.is_usable():
			end.close("aborted")


## The program ends: says farewell on all links at once.
func close_now() -> void:
	for end in _ends:
		end.close_now("")
	_fail("left", Problems.sentence_of("left"))
	phase = "over"
	if _gathering:
		_gathering.close()


func poll() -> void:
	var now := LinkEnd.now()
	# This program was suspended. Checks would take as long again to show what is certain, and what waits to be read is old.
	if now - _polled_at > Limits.DEAD_MS:
		end_given_up()
	_polled_at = now
	if _gathering:
		_gathering.poll(now)
	_turns.poll(now)
	for end in _ends:
		end.poll()
	_renewals.poll(now)
	if _keys.is_done():
		_take_what_waits(now)
	if now >= _without_udp_at:
		_without_udp_at = INF
		_go_without_udp("udp-blocked")
	if now >= _over_at:
		_over_at = INF
		abort(failure, failure_message)
	if now >= _report_until:
		_report_until = INF
		patience_over.emit()
	if is_gone() and _gathering:
		_gathering.close()
		_gathering = null


func _take_what_waits(now: float) -> void:
	if _pairing.private_key.is_empty():
		var keys: Array[PackedByteArray] = _keys.result()
		_pairing.private_key = keys[0]
		_pairing.public_key = keys[1]
	while _asks > 0:
		_asks -= 1
		_say_ready()
	if not _introduction.is_empty() and (_gathering == null or not _gathering.is_asking):
		var payload := _introduction
		_introduction = {}
		_connect(payload, now)


## Commits this client to its key, before it knows any peer's. Said with every asking of the server, which keeps it no longer.
func _say_ready() -> void:
	if phase == "over":
		return
	var ready := {"mediation": id, "commitment": Message.to_base64_url(LinkKeys.sha256(_pairing.public_key))}
	if _no_udp != "":
		ready["udp"] = false
	_session.say("ptpMediation_ready", ready)


func _take_unseen() -> void:
	_session.say("ptpMediation_unseen", {"mediation": id})
	_without_udp_at = minf(_without_udp_at, LinkEnd.now() + UNSEEN_MS)


## UDP does not work: the server introduces this client all the same, if it can.
func _go_without_udp(cause: String) -> void:
	if phase != "gathering" or failure != "" or _no_udp != "" or (_gathering and _gathering.is_seen()):
		return
	_no_udp = cause
	_asks += 1


func _connect(payload: Dictionary, now: float) -> void:
	if is_failing():
		return
	_pairing.you = Message.dictionary_of(payload, "you")
	var has_udp := _gathering != null and _gathering.end()
	# It may have been seen at last.
	if has_udp and (_no_udp == "" or not _pairing.you.is_empty()):
		_pairing.gathering = _gathering
	elif _gathering:
		_gathering.close()
		_gathering = null
	_pairing.no_udp = _no_udp if _no_udp != "" else "udp-blocked"
	for told in Message.dictionaries_of(payload, "peers"):
		var outcome := {"told": told, "end": null, "cause": ""}
		_outcomes.append(outcome)
		_pairing.pair(told, _paired.bind(outcome), now)
	_is_introduced = true
	_conclude()


func _paired(end: LinkEnd, cause: String, outcome: Dictionary) -> void:
	outcome.cause = cause
	# Two ends of one link would use each counter twice.
	if end == null or is_failing() or _ends_by_number.has(end.number):
		outcome.cause = cause if cause != "" else "aborted"
		_conclude()
		return
	outcome.end = end
	outcome["link"] = end.link
	_ends.append(end)
	_ends_by_number[end.number] = end
	end.decided.connect(_decided.bind(end, outcome))
	end.open()
	for holder in end.holders():
		_renewals.add(holder, end, LinkEnd.now())


func _decided(end: LinkEnd, outcome: Dictionary) -> void:
	if end.is_usable():
		linked.emit(end.link)
	else:
		outcome.cause = outcome.link.cause if outcome.link.cause != "" else "aborted"
	_conclude()


## Tells the server how it went, when it is known of all peers.
func _conclude() -> void:
	if phase != "connecting" or not _is_introduced or is_failing():
		return
	var lost := ""
	var linked_count := 0
	for outcome in _outcomes:
		var end: LinkEnd = outcome.end
		if end and end.is_usable():
			linked_count += 1
		elif outcome.cause == "":
			return
		elif lost == "":
			lost = outcome.cause
	if _outcomes.is_empty():
		lost = "no-additions"
	var report := _report()
	var method := "ptpMediation_peersConnection_%s" % ("success" if lost == "" else "failure")
	_session.say(method, report)
	if lost != "" and not (_goes_on and linked_count > 0):
		failure = lost
		failure_message = Problems.sentence_of(lost)
		# Once the server says so too, the host can start again.
		_over_at = LinkEnd.now() + ABORT_PATIENCE_MS
		return
	phase = "connected"
	if lost != "":
		went_on.emit(report)
	# With one guest alone there would be nobody to go on with.
	if _session.is_host() and linked_count > 1:
		_report_until = LinkEnd.now() + REPORT_PATIENCE_MS


func _report() -> Dictionary:
	var most := TIMELINE_LINES
	while true:
		var peers: Array[Dictionary] = []
		for outcome in _outcomes:
			peers.append(_peer_report(outcome, most))
		var report := {"mediation": id, "cause": null, "peers": peers}
		if most == 0 or JSON.stringify(report).length() <= REPORT_CHARACTERS:
			return report
		most >>= 1
	return {}


static func _peer_report(outcome: Dictionary, most: int) -> Dictionary:
	var end: LinkEnd = outcome.end
	var path := end.path_kind() if end else ""
	var cause: String = outcome.cause
	if path != "":
		cause = outcome.link.cause
	var report := {
		"clientId": Message.text_of(outcome.told, "clientId"),
		"path": path if path != "" else null,
		"cause": cause if cause != "" else null,
	}
	if path != "" and outcome.link.round_trip_ms >= 0.0:
		report["rttMs"] = minf(outcome.link.round_trip_ms, 60_000.0)
	if path == "" and most > 0 and outcome.has("link"):
		var timeline: Array[Dictionary] = []
		for line: Dictionary in outcome.link.timeline.slice(-most):
			timeline.append({"atMs": line.at_ms, "what": line.event})
		report["timeline"] = timeline
	return report


func _fail(code: String, message: String) -> void:
	if phase == "over":
		return
	phase = "over"
	if failure == "":
		failure = code
		failure_message = message
	_over_at = INF
	_report_until = INF


func _receive(bytes: PackedByteArray, local: int, ip: String, port: int) -> void:
	var end: LinkEnd = _ends_by_number.get(Packet.link_of(bytes))
	if end:
		end.receive(bytes, local, ip, port)
