extends RefCounted
## How many packets each way to a peer may cost, and how long it is tried. docs/links.md says why; the SDK has the same numbers.

## Checks and answers a minute to public addresses that nothing has proved to be a peer's: half at once.
const UNPROVEN_CHECKS := 60
## The same to claimed addresses in the IPv6 /64 of the peer's WebSocket.
const HOME_CHECKS := 600
## The same into this machine's own networks.
const NEAR_CHECKS := 600
## Milliseconds until a check that was withheld for that is due again.
const WITHHELD_MS := 1_000.0
const CANDIDATES := 8
## Public IPv6 addresses that a peer's claims are believed of.
const V6_CLAIMS := 3
## Packets to an address that is only claimed or guessed.
const CLAIMED_PROBES := 5
const GUESSED_PORTS := 6
const GUESSED_STEP := 16
## Addresses learned from a peer's packets.
const MET_CANDIDATES := 16
const TRIGGERED_CHECKS := 3
const RELAY_CHECKS := 16
const OBSERVED_CHECKS := 48
## Checks of one path whose answers are waited for.
const AWAITED_CHECKS := 16
## Numbers of a peer that are remembered.
const REPLAY_WINDOW := 512
## Numbers skipped at most before and after a check that a third party may get.
const SKIPPED_NUMBERS := 1 << 24
const ANSWERS_PER_SECOND := 500
## Lines of one link's timeline.
const NOTES := 64
## Milliseconds for which something better than a relay is looked for.
const DIRECT_MS := 10_000.0
## The same where both networks change their ports.
const BOTH_DEPENDENT_MS := 3_000.0
## Milliseconds between checks of a path at first.
const CHECK_MS := 100.0
## The same of the path in use, while packets come over it.
const STEADY_CHECK_MS := 5_000.0
## Milliseconds of silence on the path in use until it is checked.
const SILENCE_MS := 1_000.0
const QUICK_CHECK_MS := 200.0
const SILENT_CHECK_MS := 100.0
## Milliseconds of silence after which the path in use is dead, with so many checks unanswered.
const DEAD_MS := 2_500.0
const DEAD_CHECKS := 6
## The same if another path was heard in that time.
const OUTLIVED_MS := 1_800.0
## Checks unanswered after which a path is dead although packets come over it.
const ONE_WAY_CHECKS := 10
## Checks of a channel unanswered after which another socket is opened for it.
const REOPEN_CHECKS := 3
const STANDBY_MS := 15_000.0
const RELAY_REFRESH_MS := 10_000.0
const RELAY_RETRY_MS := 250.0
const RELAY_RETRY_MOST_MS := 1_000.0
## Milliseconds between checks of the direct paths there were, while a relay is in use.
const RECHECK_MS := 10_000.0
## Milliseconds for which a link that has lost every path looks for one.
const GRACE_MS := 15_000.0
## Ports are probed after so many milliseconds, by so many sockets and packets.
const BIRTHDAY_AFTER_MS := 300.0
const BIRTHDAY_SOCKETS := 256
const BIRTHDAY_PROBES := 2_048
const BIRTHDAY_RATE := 200
const BIRTHDAY_AGAIN_MS := 4_000.0
const BIRTHDAY_LINGER_MS := 2_000.0
const BIRTHDAY_MS := 12_000.0
