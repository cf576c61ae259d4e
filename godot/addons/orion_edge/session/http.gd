extends RefCounted
## Requests to the server, by the engine's HTTPRequest.

const Ending := preload("ending.gd")
const Frames := preload("frames.gd")
const Message := preload("../wire/message.gd")
const Problems := preload("problems.gd")

const ATTEMPT_MS := 8_000.0
const MOST_BYTES := 4 << 20

## The node that the requests are children of: in the tree, and never paused.
var _node: Node
var _server: String
var _tls: TLSOptions
var _frames: Frames


## [param server]: its URL, with a slash at its end.
func _init(node: Node, server: String, tls: TLSOptions, frames: Frames) -> void:
	_frames = frames
	_node = node
	_server = server
	_tls = tls


## An answer: code (empty if it went well), codes, message, status, retry_after_s, json, bytes and etag. [param ask]: method, path, headers, and body (a
## Dictionary, sent as JSON) or bytes.
func request(ask: Dictionary, ending: Ending, ms := ATTEMPT_MS) -> Dictionary:
	if _frames.is_over:
		return failure("aborted")
	var child := HTTPRequest.new()
	child.body_size_limit = MOST_BYTES
	if _tls:
		child.set_tls_options(_tls)
	_node.add_child(child)
	var answer: Array = []
	child.request_completed.connect(func(result: int, status: int, headers: PackedStringArray, body: PackedByteArray) -> void: answer.assign([result, status, headers, body]))
	var headers := PackedStringArray(ask.get("headers", []))
	var bytes: PackedByteArray = ask.get("bytes", PackedByteArray())
	if ask.has("body"):
		headers.append("Content-Type: application/json")
		bytes = Message.to_json(ask.body).to_utf8_buffer()
	elif ask.has("bytes"):
		headers.append("Content-Type: application/octet-stream")
	var until := Time.get_ticks_msec() + ms
	var result := {}
	if child.request_raw(_server + ask.path, headers, ask.get("method", HTTPClient.METHOD_GET), bytes) != OK:
		result = failure("unreachable")
	while result.is_empty():
		await _frames.passed
		if not answer.is_empty():
			result = _read(answer)
		elif ending.why() != "":
			result = failure(ending.why())
		elif _frames.is_over:
			result = failure("aborted")
		elif Time.get_ticks_msec() > until:
			result = failure("unanswered")
	if is_instance_valid(child):
		child.cancel_request()
		child.queue_free()
	return result


static func failure(code: String) -> Dictionary:
	return {"code": code, "codes": [code], "message": Problems.sentence_of(code), "status": 0, "retry_after_s": 0}


## What an answer means for the game.
static func result_of(answer: Dictionary) -> OrionResult:
	if answer.code == "":
		return OrionResult.ok()
	var result := OrionResult.failed(answer.code, answer.message)
	result.codes = PackedStringArray(answer.codes)
	result.status = answer.status
	result.retry_after_s = answer.retry_after_s
	return result


static func _read(answer: Array) -> Dictionary:
	match answer[0]:
		HTTPRequest.RESULT_SUCCESS:
			pass
		HTTPRequest.RESULT_TLS_HANDSHAKE_ERROR:
			return failure("tls_error")
		HTTPRequest.RESULT_BODY_SIZE_LIMIT_EXCEEDED:
			return failure("unexpected_answer")
		_:
			return failure("unreachable")
	var status: int = answer[1]
	var text := ""
	var bytes: PackedByteArray = answer[3]
	var json: Variant = null
	if not bytes.is_empty() and (bytes[0] == 0x7b or status >= 300):
		text = bytes.get_string_from_utf8()
		json = Message.parse_json(text)
	var read := {"code": "", "codes": [], "message": "", "status": status, "retry_after_s": 0, "json": json, "bytes": bytes, "etag": ""}
	for header: String in answer[2]:
		var name := header.get_slice(":", 0).to_lower()
		var value := header.substr(header.find(":") + 1).strip_edges()
		if name == "retry-after" and value.is_valid_int():
			read.retry_after_s = int(value)
		elif name == "etag":
			read.etag = value
	if status >= 200 and status < 300:
		return read
	var refusal: Dictionary = json if json is Dictionary else {}
	var codes := Message.texts_of(refusal, "codes")
	read.codes = codes if not codes.is_empty() else ["unexpected_answer"]
	read.code = read.codes[0]
	read.message = " ".join(Message.texts_of(refusal, "errors"))
	if read.message == "":
		read.message = "The server answered with status %d." % status
	return read
