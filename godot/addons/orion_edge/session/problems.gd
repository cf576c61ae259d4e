extends RefCounted
## What the addon itself finds wrong, each with a sentence that a player may read. The server has more codes (docs/protocol.md).

const SENTENCES := {
	"invalid_url": "A server's URL begins with http:// or https://, and has no user name or password.",
	"unreachable": "The server cannot be reached.",
	"tls_error": "The connection to the server is not secure: its certificate is not trusted, or not valid.",
	"not_orion": "There is a server, but it is not an Orion server.",
	"too_old": "The server is too old for this game.",
	"unexpected_answer": "The server gave an answer that makes no sense.",
	"unanswered": "The server did not answer in time.",
	"disconnected": "The connection to the server was lost.",
	"aborted": "It was called off.",
	"busy": "A lobby is being opened or joined already.",
	"not_in_tree": "OrionEdge must be in the scene tree.",
	"invalid_argument": "The game gave a value that cannot be used.",
	"left": "You have left the lobby.",
	"lobby_closed": "The lobby is closed.",
	"kicked": "The host has removed you from the lobby.",
	"resumed_elsewhere": "You have come back to this lobby by another connection.",
	"resume_refused": "You cannot come back to this lobby: your place there is taken, or you were removed.",
	"invalid_message": "A chat message must be a text of 1 to 250 characters.",
	"too_many_messages": "The chat is too busy. Please wait a moment and try again.",
	"invalid_signal": "A signal must be JSON of 8192 bytes at most.",
	"invalid_snapshot": "A snapshot must be bytes, 65536 at most.",
	"no_such_lobby": "There is no such lobby. Check the code.",
	"udp-blocked": "No UDP gets from here to the server: a firewall or the network blocks it.",
	"no-udp": "This player's game cannot use UDP, for example because it runs in a browser.",
	"no-sidecar": "The server's UDP service was not running when the players were to be connected.",
	"no-packets-received": "Nothing the other player sent has arrived.",
	"one-way": "The other player's packets arrive here, but nothing that is sent from here arrives there.",
	"both-endpoint-dependent": "Both networks change their ports with every destination: only a relay connects them.",
	"ports-not-guessed": "One network changes its ports with every destination, and its port was not found in time.",
	"not-yet-direct": "A direct path has not been found yet.",
	"relay-refused": "The relay does not carry this link.",
	"relay-unreachable": "The relay does not answer.",
	"relay-only": "The lobby, or one of the two players, allows connections through the relay only.",
	"no-additions": "The other player's client does not know this way of connecting.",
	"not-encrypted": "The other player's client cannot encrypt the connection, and this lobby or player requires it.",
	"keys-differ": "The two players were not given the same secret, or somebody has come between them.",
	"path-lost": "The connection was there, and has died.",
	"peer-left": "The other player has closed the connection.",
}


static func sentence_of(code: String) -> String:
	return SENTENCES.get(code, "Something went wrong: %s." % code)


static func failed(code: String) -> OrionResult:
	return OrionResult.failed(code, sentence_of(code))


## The code of a call that the end of a lobby cut short.
static func of_end(reason: String) -> String:
	return "lobby_closed" if reason in ["connected", "left_out", "host_left"] else reason
