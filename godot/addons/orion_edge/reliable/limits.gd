## What the reliable stream of a link keeps and sends. The same bounds as the TypeScript SDK's.
extends Object

## Bytes of one message.
const MESSAGE_BYTES := 64 * 1024
## Bytes of a message in one segment: with its header as much as one packet of a game may have.
const SEGMENT_BYTES := 1195
## Bytes that keeping a segment takes. Empty messages count by this alone.
const SEGMENT_COST_BYTES := 100
## Segments without an acknowledgement, at most. A receiver holds no more out of order.
const WINDOW_SEGMENTS := 256
## The window at first, and on a new path.
const FIRST_WINDOW := 10
const LEAST_WINDOW := 2
## Bytes that may wait at one end, sent or not. One more message is refused.
const WAITING_BYTES := 4 * 1024 * 1024
## Bytes that a path takes at once, whatever its rate.
const BURST_BYTES := 16 * 1024
## Milliseconds until a segment is sent again, while no round trip is known.
const FIRST_TIMEOUT_MS := 500.0
## The same at least and at most. Each timeout in vain doubles the next.
const LEAST_TIMEOUT_MS := 100.0
const MOST_TIMEOUT_MS := 3000.0
## Milliseconds that an acknowledgement of one segment in order waits for the next segment.
const ACKNOWLEDGE_MS := 20.0
## Milliseconds by which one packet may overtake another before that one counts as lost.
const REORDER_MS := 10.0
