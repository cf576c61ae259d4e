import { expect, test } from "vitest";
import { plainLine } from "../../local/plain-line.ts";

const lines: [what: string, line: string, plain: string][] = [
  ["good news", '{"level":"info","what":"all is well","port":5990}', "all is well (port 5990)"],
  ["one without details", '{"level":"info","what":"all is well"}', "all is well"],
  ["a fault", '{"level":"error","what":"it broke","code":"odd"}', "error: it broke (code odd)"],
  [
    "one with a list",
    '{"level":"info","what":"some were refused","junk":3,"drops":{"rate":1,"bytes":2}}',
    "some were refused (junk 3, drops: rate 1, bytes 2)",
  ],
  ["a sentence", "Ready on http://127.0.0.1:5980", "Ready on http://127.0.0.1:5980"],
  ["half an object", '{"what":', '{"what":'],
  [
    "a fault that quotes a terminal's commands",
    '{"level":"error","what":"it broke","error":"red\\u001b[2J\\nerror: fake\\u007f"}',
    "error: it broke (error red\\x1b[2J\\x0aerror: fake\\x7f)",
  ],
  ["an object of another kind", '{"name":"x"}', '{"name":"x"}'],
];
for (const [what, line, plain] of lines) {
  test(`a person who develops reads ${what} as words`, () => expect(plainLine(line)).toBe(plain));
}
