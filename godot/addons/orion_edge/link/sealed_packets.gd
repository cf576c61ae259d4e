extends "packets.gd"
## Packets of a link that is encrypted: checks carry public keys, all else is sealed with what the two ends agree on.

const KeyTask := preload("../sealing/key_task.gd")
const Message := preload("../wire/message.gd")
const X25519 := preload("../sealing/x25519.gd")

var _link_id: String
var _clients: Array[Dictionary]
var _private_key: PackedByteArray
var _public_key: PackedByteArray
var _secret: String
## The peer's, which fits its commitment.
var _peer_key := PackedByteArray()
var _agreeing: KeyTask = null
## Whether the peer has committed itself to a key that cannot be used.
var _is_hopeless := false
var _sealing: Sealing = null
var _confirm := PackedByteArray()


## [param clients]: of side a, then of side b (link_keys.gd). [param secret]: of the invitation, or empty.
func _init(
	id: String,
	side: int,
	pair_key: PackedByteArray,
	clients: Array[Dictionary],
	private_key: PackedByteArray,
	public_key: PackedByteArray,
	secret: String
) -> void:
	super(id, side, pair_key)
	is_encrypted = true
	_link_id = id
	_clients = clients
	_private_key = private_key
	_public_key = public_key
	_secret = secret


func replayed() -> int:
	return _sealing.replayed if _sealing else 0


func is_busy() -> bool:
	return _agreeing != null and not _agreeing.is_done()


func signed(kind: int, number: int) -> PackedByteArray:
	var key := PackedByteArray() if kind == Packet.FAREWELL else _public_key
	# A check was answered that had the peer's key: what was agreed on is known.
	var mac := _confirm if kind == Packet.ANSWER and _sealing else _pair_key
	return _signed_by(mac, Packet.write_signed(kind, _id, _side, number, key))


func read_signed(bytes: PackedByteArray) -> int:
	var result := WRONG
	if Packet.side_of(bytes) == 1 - _side:
		match bytes[0]:
			Packet.FAREWELL:
				result = Packet.number_of(bytes) if _is_signed_by(_pair_key, bytes) else WRONG
			Packet.CHECK:
				result = _agree_with(bytes) if _is_signed_by(_pair_key, bytes) else WRONG
			Packet.ANSWER:
				result = _agree_with(bytes)
				if result >= 0 and not _is_signed_by(_confirm, bytes):
					cause = "keys-differ"
					result = WRONG
	if result == WRONG:
		forged += 1
	return result


func data(kind: int, payload: PackedByteArray) -> PackedByteArray:
	return _sealing.seal(kind, payload) if _sealing else PackedByteArray()


func read_data(bytes: PackedByteArray) -> bool:
	# What is not encrypted is never taken for the peer's.
	if bytes[0] != Packet.SEALED or _sealing == null:
		forged += 1
		return false
	if _sealing.open(bytes):
		opened_kind = _sealing.opened_kind
		opened = _sealing.opened
		return true
	return false


## The packet's number, if its key is that to which the peer has committed itself, and the same each time.
func _agree_with(bytes: PackedByteArray) -> int:
	var key := Packet.key_of(bytes)
	if key.is_empty() or _is_hopeless:
		return WRONG
	if _peer_key.is_empty():
		if Message.to_base64_url(LinkKeys.sha256(key)) != _clients[1 - _side].commitment:
			return WRONG
		_peer_key = key
		_agreeing = KeyTask.begin(X25519.agree.bind(_private_key, key))
	if key != _peer_key:
		return WRONG
	if is_busy():
		return LATER
	if _agreeing:
		_derive(_agreeing.result())
		_agreeing = null
	return WRONG if _is_hopeless else Packet.number_of(bytes)


func _derive(shared: PackedByteArray) -> void:
	if shared.is_empty():
		_is_hopeless = true
		return
	var keys: LinkKeys = LinkKeys.derive(_link_id, _pair_key, _clients, shared, _secret)
	_sealing = Sealing.new(_id, _side, keys)
	_confirm = keys.confirm
	safety_code = keys.safety_code
