extends RefCounted
## Messages of the Orion protocol: the method's name, a colon, and a JSON object in base64.


static func encode(method: String, payload: Dictionary) -> String:
	return "%s:%s" % [method, Marshalls.utf8_to_base64(to_json(payload))]


## A value as JSON. The engine's own function leaves most control characters in texts as they are, and no other program reads that.
static func to_json(value: Variant) -> String:
	var text := JSON.stringify(value)
	for code in range(1, 32):
		text = text.replace(char(code), "\\u%04x" % code)
	return text


## {method, payload}; empty for any other text.
static func decode(text: String) -> Dictionary:
	var colon := text.find(":")
	if colon < 1:
		return {}
	var bytes := from_base64(text.substr(colon + 1))
	if bytes.is_empty():
		return {}
	var payload: Variant = parse_json(bytes.get_string_from_utf8())
	if not payload is Dictionary:
		return {}
	return {"method": text.substr(0, colon), "payload": payload}


## What a text of JSON says; null if it is none. Prints nothing, as the engine's own function does.
static func parse_json(text: String) -> Variant:
	var json := JSON.new()
	return json.data if json.parse(text) == OK else null


## The bytes of standard or URL-safe base64, with or without padding; none for any other text.
static func from_base64(text: String) -> PackedByteArray:
	var standard := text.replace("-", "+").replace("_", "/")
	for i in standard.length():
		var character := standard.unicode_at(i)
		var is_letter := (character >= 65 and character <= 90) or (character >= 97 and character <= 122)
		if not is_letter and not (character >= 47 and character <= 57) and character != 43 and character != 61:
			return PackedByteArray()
	if standard.length() % 4 == 1:
		return PackedByteArray()
	while standard.length() % 4 != 0:
		standard += "="
	return Marshalls.base64_to_raw(standard)


## URL-safe base64 without padding.
static func to_base64_url(bytes: PackedByteArray) -> String:
	return Marshalls.raw_to_base64(bytes).replace("+", "-").replace("/", "_").replace("=", "")


## A text of this payload's field, or [param otherwise] if it is none.
static func text_of(payload: Dictionary, field: String, otherwise := "") -> String:
	var value: Variant = payload.get(field)
	return value if value is String else otherwise


## A whole number of this payload's field. JSON has all numbers as floats.
static func int_of(payload: Dictionary, field: String, otherwise := 0) -> int:
	var value: Variant = payload.get(field)
	if not (value is float or value is int):
		return otherwise
	if not is_finite(value) or absf(value) > 9.0e15:
		return otherwise
	return int(value)


static func bool_of(payload: Dictionary, field: String, otherwise := false) -> bool:
	var value: Variant = payload.get(field)
	return value if value is bool else otherwise


## The objects in a list of this payload's field.
static func dictionaries_of(payload: Dictionary, field: String) -> Array[Dictionary]:
	var result: Array[Dictionary] = []
	var value: Variant = payload.get(field)
	if value is Array:
		for one: Variant in value:
			if one is Dictionary:
				result.append(one)
	return result


## The texts in a list of this payload's field.
static func texts_of(payload: Dictionary, field: String) -> Array[String]:
	var result: Array[String] = []
	var value: Variant = payload.get(field)
	if value is Array:
		for one: Variant in value:
			if one is String:
				result.append(one)
	return result


static func dictionary_of(payload: Dictionary, field: String) -> Dictionary:
	var value: Variant = payload.get(field)
	return value if value is Dictionary else {}
