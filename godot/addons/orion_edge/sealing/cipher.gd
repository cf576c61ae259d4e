extends RefCounted
## One direction of a link: AES-128 in counter mode, and AES-CMAC (RFC 4493), by the engine's AES.
##
## A call into the engine costs more than the blocks, so the key stream of several packets is made at once, and what is added is added in numbers of
## 64 bits.

## Packets whose key stream is made at once.
const AHEAD := 8
## Words of 8 bytes of a packet's key stream: 1 byte, 1 200 of the game, and the rest of a block.
const PACKET_WORDS := 152
const SHORT_WORDS := 32

var _ecb := AESContext.new()
var _cbc := AESContext.new()
## For a last block that is whole, and for one that was filled up: two words each.
var _whole := PackedInt64Array()
var _filled := PackedInt64Array()
## The key stream of the packets from this counter on.
var _stream := PackedInt64Array()
var _stream_first := -1
var _stream_words := 0
## What CBC goes on with: the last mac.
var _chain_low := 0
var _chain_high := 0


func _init(cipher_key: PackedByteArray, mac_key: PackedByteArray) -> void:
	_ecb.start(AESContext.MODE_ECB_ENCRYPT, cipher_key)
	var zero := PackedByteArray()
	zero.resize(16)
	var single := AESContext.new()
	single.start(AESContext.MODE_ECB_ENCRYPT, mac_key)
	var doubled := _doubled(single.update(zero))
	single.finish()
	_whole = doubled.to_int64_array()
	_filled = _doubled(doubled).to_int64_array()
	_cbc.start(AESContext.MODE_CBC_ENCRYPT, mac_key, zero)


## Encrypts or decrypts what the packet with this counter carries.
func apply(counter: int, bytes: PackedByteArray) -> PackedByteArray:
	var size := bytes.size()
	bytes.resize((size + 7) & ~7)
	var words := bytes.to_int64_array()
	var count := words.size()
	if counter < _stream_first or counter >= _stream_first + AHEAD or count > _stream_words:
		_make(counter, count)
	var at := (counter - _stream_first) * _stream_words
	for i in count:
		words[i] ^= _stream[at + i]
	var result := words.to_byte_array()
	result.resize(size)
	return result


## The mac of these bytes, 16 of them.
func mac_of(message: PackedByteArray) -> PackedByteArray:
	var size := message.size()
	var mask := _whole
	if size % 16 != 0 or size == 0:
		mask = _filled
		message.append(0x80)
		message.resize((size + 16) & ~15)
	var words := message.to_int64_array()
	# CBC goes on from its last block, which is taken out again here: to begin anew costs more.
	words[0] ^= _chain_low
	words[1] ^= _chain_high
	var last := words.size() - 2
	words[last] ^= mask[0]
	words[last + 1] ^= mask[1]
	var mac := _cbc.update(words.to_byte_array()).slice(last * 8)
	_chain_low = mac.decode_s64(0)
	_chain_high = mac.decode_s64(8)
	return mac


## The key stream from this counter on. Short packets, which most are, take short ones.
func _make(first: int, count: int) -> void:
	_stream_words = SHORT_WORDS if count <= SHORT_WORDS else PACKET_WORDS
	var blocks := PackedByteArray()
	blocks.resize(AHEAD * _stream_words * 8)
	var packet_bytes := _stream_words * 8
	@warning_ignore("integer_division")
	var block_count := packet_bytes / 16
	for packet in AHEAD:
		var swapped := _swapped(first + packet)
		var base := packet * packet_bytes
		for block in block_count:
			blocks.encode_s64(base + block * 16, swapped)
			blocks[base + block * 16 + 15] = block
	_stream = _ecb.update(blocks).to_int64_array()
	_stream_first = first


## The number with its bytes in the other order.
static func _swapped(number: int) -> int:
	var result := 0
	for i in 8:
		result = (result << 8) | ((number >> (8 * i)) & 0xff)
	return result


## Twice this element of GF(2^128).
static func _doubled(block: PackedByteArray) -> PackedByteArray:
	var result := PackedByteArray()
	result.resize(16)
	for i in 16:
		result[i] = ((block[i] << 1) & 0xff) | (block[i + 1] >> 7 if i < 15 else 0)
	if block[0] & 0x80:
		result[15] ^= 0x87
	return result
