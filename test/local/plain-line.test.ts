import { expect, test } from "vitest";
import { plainLine } from "../../local/plain-line.ts";

const lines: [what: string, line: string, plain: string][] = [
  [
    "a line with its time, on the clock of this machine",
    `{"time":"${new Date(2026, 10, 21, 9, 5, 7).toISOString()}","level":"error","event":"it_broke"}`,
    "09:05:07 error: it broke",
  ],
  ["a time that is none", '{"time":"soon","level":"info","event":"all_is_well"}', "all is well"],
  [
    "a refusal",
    '{"level":"info","event":"request_refused","status":409,"method":"GET","path":"/","upgrade":"websocket","code":"x","leftOut":{"request_refused":3}}',
    "refused WebSocket /: 409 x (leftOut: request_refused 3)",
  ],
  [
    "players of the SDK who are connected",
    '{"level":"info","event":"members_connected","lobbyId":"K7Q2M","connected":3,"of":4,"via":{"direct":2,"unknown":1},"ms":2349}',
    "K7Q2M connected 3 of 4 (2 direct) in 2.3 s",
  ],
  [
    "players of Orion who are connected",
    '{"level":"info","event":"members_connected","lobbyId":"K7Q2M","connected":2,"of":2,"via":{"unknown":2},"ms":400,"leftOut":{"members_seen":2}}',
    "K7Q2M connected 2 of 2 in 0.4 s (leftOut: members_seen 2)",
  ],
  [
    "a member that is called like a command",
    '{"level":"info","event":"member_joined","lobbyId":"K7Q2M","name":"\\u001b[2J","members":2}',
    "\\x1b[2J joined K7Q2M (2 members)",
  ],
  ["good news", '{"level":"info","event":"all_is_well","port":5990}', "all is well (port 5990)"],
  ["one without details", '{"level":"info","event":"all_is_well"}', "all is well"],
  ["a fault", '{"level":"error","event":"it_broke","code":"odd"}', "error: it broke (code odd)"],
  [
    "one with a list",
    '{"level":"info","event":"some_were_refused","junk":3,"drops":{"rate":1,"bytes":2}}',
    "some were refused (junk 3, drops: rate 1, bytes 2)",
  ],
  ["a sentence", "Ready on http://127.0.0.1:5980", "Ready on http://127.0.0.1:5980"],
  ["half an object", '{"event":', '{"event":'],
  [
    "a fault that quotes a terminal's commands",
    '{"level":"error","event":"it_broke","error":"red\\u001b[2J\\nerror: fake\\u007f"}',
    "error: it broke (error red\\x1b[2J\\x0aerror: fake\\x7f)",
  ],
  ["an object of another kind", '{"name":"x"}', '{"name":"x"}'],
];
for (const [what, line, plain] of lines) {
  test(`a person who develops reads ${what} as words`, () => expect(plainLine(line)).toBe(plain));
}
