extends RefCounted
## Orion's names are ASCII. Those that people have are shown, and Orion's are derived from them.

const MOST := 50
## Letters with accents, and what remains of them: the engine cannot take them apart.
const ACCENTED := "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝàáâãäåçèéêëìíîïñòóôõöøùúûüýÿĀāĂăĄąĆćČčĎďĐđĒēĖėĘęĚěĞğĢģĪīĮįİıĶķĹĺĻļĽľŁłŃńŅņŇňŌōŐőŔŕŘřŚśŞşŠšŢţŤťŪūŮůŰűŲųŹźŻżŽž"
const PLAIN := "AAAAAACEEEEIIIINOOOOOOUUUUYaaaaaaceeeeiiiinoooooouuuuyyAaAaAaCcCcDdDdEeEeEeEeGgGgIiIiIiKkLlLlLlLlNnNnNnOoOoRrRrSsSsSsTtTtUuUuUuUuZzZzZz"


## {orion, display}: the name as the server takes it, and the one to show, which is empty if it is the same. [param word]: what Orion's name begins with if
## nothing is left. [param salt]: for another name of the same look.
static func named(name: String, word: String, salt := "") -> Dictionary:
	if _is_orions(name) and salt == "":
		return {"orion": name, "display": ""}
	var display := name.strip_edges()
	if display == "":
		return {"orion": name, "display": ""}
	var ascii := ""
	for character in display:
		var at := ACCENTED.find(character)
		var plain := PLAIN[at] if at >= 0 else character
		if _is_word(plain.unicode_at(0)) or (plain == " " and not ascii.ends_with(" ")):
			ascii += plain
	ascii = ascii.strip_edges()
	# A name that has lost most of its letters could be anybody's.
	var is_legible := ascii.length() * 2 >= display.length() and ascii != ""
	if is_legible and salt == "":
		return {"orion": ascii.substr(0, MOST), "display": display}
	var tail := " %04X" % ((display + salt).hash() & 0xffff)
	var head := ascii if is_legible else word
	return {"orion": head.substr(0, MOST - tail.length()).strip_edges() + tail, "display": display}


static func _is_orions(name: String) -> bool:
	if name == "" or name.length() > MOST or name[0] == " ":
		return false
	for i in name.length():
		if not _is_word(name.unicode_at(i)) and name[i] != " ":
			return false
	return true


static func _is_word(character: int) -> bool:
	var is_digit := character >= 48 and character <= 57
	var is_letter := (character >= 65 and character <= 90) or (character >= 97 and character <= 122)
	return is_digit or is_letter or character == 95
