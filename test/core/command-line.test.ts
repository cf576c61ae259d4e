import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { commandLineMistake, parseCommandLine } from "../../core/command-line.ts";

const options = {
  httpPort: { type: "string" },
  host: { type: "string" },
  out: { type: "string" },
  scenario: { type: "string", multiple: true },
  ptpmConnectTimeoutMs: { type: "string" },
  ptpmConnectRequestIntervalMs: { type: "string" },
  list: { type: "boolean" },
  help: { type: "boolean" },
} as const;

function read(args: string[], environment: Record<string, string> = {}) {
  return parseCommandLine({ args, options, mostWords: 1, environment });
}

/** The sentence that the person who typed this reads. */
function mistakeIn(args: string[], environment?: Record<string, string>): string {
  try {
    read(args, environment);
  } catch (error) {
    return commandLineMistake(error);
  }
  throw new Error("nothing is wrong");
}

test("a value follows its option after a space or an equals sign", () => {
  expect(read(["--httpPort", "1", "--host=a=b", "word", "--list"])).toEqual({
    values: { httpPort: "1", host: "a=b", list: true },
    words: ["word"],
  });
  expect(read(["--out=", "--scenario=a", "--scenario", "b"]).values).toEqual({
    out: "",
    scenario: ["a", "b"],
  });
  expect(read(["--httpPort=-1"]).values).toEqual({ httpPort: "-1" });
  expect(read([])).toEqual({ values: {}, words: [] });
});

test("--help is answered whatever stands beside it", () => {
  for (const flag of ["--help", "-h"])
    expect(read(["--nonsense", flag, "x", "y"]).values).toEqual({ help: true });
});

test("two dashes that a package manager passes on are ignored", () => {
  expect(read(["--", "--httpPort", "1"]).values).toEqual({ httpPort: "1" });
});

describe("an option with a typing mistake is answered with the right one", () => {
  test.each([
    ["--http-port", "httpPort"],
    ["--HTTPPORT", "httpPort"],
    ["--http_port=7000", "httpPort"],
    ["--htpPort", "httpPort"],
    ["--httpProt", "httpPort"],
    ["--httpPorts", "httpPort"],
    ["-httpPort", "httpPort"],
    ["--http", "httpPort"],
    ["--hots", "host"],
    ["--ptpm-connect-timeout-ms", "ptpmConnectTimeoutMs"],
    ["--ptpmConectTimeoutMs", "ptpmConnectTimeoutMs"],
    ["--scenarios", "scenario"],
    ["--lst", "list"],
  ])("%s", (typed, meant) => {
    expect(mistakeIn([typed, "5"])).toMatch(
      new RegExp(`^Unknown option ${typed.split("=")[0]}\\..*--${meant}\\?$`),
    );
  });

  test.each(["--colour", "--ptpm", "--h", "--p", "-p", "--o-o-o-o-o-o"])(
    "and %s, which is none, with none",
    (typed) => {
      expect(mistakeIn([typed, "5"])).toBe(`Unknown option ${typed}.`);
    },
  );
});

test.each([
  ["a word too many", ["one", "two"], /"two"/],
  ["a repeated option", ["--httpPort=1", "--httpPort=1"], /^--httpPort .* twice/],
  ["a repeated switch", ["--list", "--list"], /^--list .* twice/],
  ["an option without a value", ["--httpPort"], /^--httpPort needs a value/],
  ["an option instead of a value", ["--httpPort", "--list"], /^--httpPort needs a value/],
  ["a switch with a value", ["--list=yes"], /^--list takes no value/],
  ["an option without dashes", ["word", "httpPort=1"], /--httpPort\?$/],
])("%s is one sentence", (_, args, says) => {
  expect(mistakeIn(args)).toMatch(says);
});

test.each([
  [
    "npm start --httpPort 7000",
    { npm_lifecycle_event: "start", npm_config_httpport: "true" },
    "npm start -- --httpPort",
  ],
  [
    "npm run x --http-port=1",
    { npm_lifecycle_event: "x", npm_config_http_port: "1" },
    "npm run x -- --httpPort",
  ],
])("an option that npm kept for itself is not overlooked: %s", (_, environment, right) => {
  expect(mistakeIn(["7000"], environment)).toContain(right);
});

test("a long word is not quoted, because it may be a secret", () => {
  const secret = "0123456789abcdef".repeat(4);
  for (const args of [["x", secret], [`--${secret}`], [`--${secret}=1`], ["x", `httpPort=${secret}`]]) {
    expect(mistakeIn(args)).not.toContain(secret.slice(0, 16));
  }
});

test("any command line is read, or answered with one line that does nothing to a terminal", () => {
  const word = fc.oneof(
    fc.string(),
    fc.constantFrom("--httpPort", "--", "-", "--=", "--\u001b[2J", "--__proto__=1"),
  );
  fc.assert(
    fc.property(fc.array(word, { maxLength: 6 }), (args) => {
      try {
        const { values, words } = read(args);
        expect(words.length).toBeLessThanOrEqual(1);
        for (const name of Object.keys(values)) expect(options).toHaveProperty(name);
      } catch (error) {
        expect(commandLineMistake(error)).toMatch(/^\P{Cc}+[.?…]$/u);
      }
    }),
  );
});
