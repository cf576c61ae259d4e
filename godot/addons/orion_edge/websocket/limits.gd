extends RefCounted
## How a client uses a relay over WebSocket. docs/links.md says why; the SDK has the same numbers.

## Bytes that may wait in our own socket.
const WAITING_BYTES := 16 * 1024
## Packets of one link that wait, the newest, and the milliseconds after which one is dropped.
const WAITING_PACKETS := 16
const STALE_MS := 1_000.0
## Milliseconds between two frames, and bytes of one.
const FRAME_MS := 5.0
const FRAME_BYTES := 16 * 1024
## Packets that came, after which the relay is told how much did; milliseconds after which it is told of any.
const RECEIPT_PACKETS := 32
const RECEIPT_MS := 100.0
## Milliseconds until a broken connection is tried again: doubled each time, and half of it random.
const RETRY_MS := 250.0
const RETRY_MOST_MS := 8_000.0
## Milliseconds after which a connection that breaks was a good one.
const GOOD_MS := 10_000.0
## Milliseconds that a connection may take to open, or to close.
const OPEN_MS := 8_000.0
const CLOSE_MS := 2_000.0
## Milliseconds between two connections that are opened because one is silent.
const REOPEN_MS := 2_000.0
## Milliseconds since something came, within which a connection is known to live.
const ALIVE_MS := 1_000.0
