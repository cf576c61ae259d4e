/** noray's own settings, read as its server reads them. */
import { expect, test } from "vitest";
import {
  parseDuration,
  parsePorts,
  parseSize,
  readNoraySettings,
} from "../../../core/dialects/noray/settings.ts";
import vectors from "../../vectors/noray.json" with { type: "json" };

test.each(vectors.durations)("the duration $text", ({ text, ms }) => {
  expect(parseDuration(text)).toBe(ms);
});
test.each(vectors.sizes)("the size $text", ({ text, bytes }) => {
  expect(parseSize(text)).toBe(bytes);
});
test.each(vectors.ports)("the ports $text", ({ text, ports }) => {
  expect(parsePorts(text)).toEqual(ports);
});

test("without any setting the ports and ids are those of the original", () => {
  const { settings, mistakes, unused } = readNoraySettings({});
  expect([mistakes, unused]).toEqual([[], []]);
  expect(settings).toMatchObject({ host: "0.0.0.0", port: 8890, registrarPort: 8809, cleanupMs: 30_000 });
  expect([settings.oid.length, settings.pid.length]).toEqual([21, 128]);
  expect([settings.relayPorts.length, settings.relayPorts[0], settings.relayPorts.at(-1)]).toEqual([
    2_049, 49_152, 51_200,
  ]);
  expect(settings.bounds).toMatchObject({ idleMs: 30_000, lifetimeMs: 14_400_000, lifetimeBytes: 2 ** 32 });
});

test("an operator of the original brings the settings along", () => {
  const { settings, mistakes, unused } = readNoraySettings({
    NORAY_SOCKET_HOST: "127.0.0.1",
    NORAY_SOCKET_PORT: "9000",
    NORAY_UDP_REGISTRAR_PORT: "9001",
    NORAY_UDP_RELAY_PORTS: "9002+3",
    NORAY_OID_LENGTH: "6",
    NORAY_OID_CHARSET: "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    NORAY_PID_LENGTH: "32",
    NORAY_UDP_RELAY_TIMEOUT: "10s",
    NORAY_UDP_RELAY_CLEANUP_INTERVAL: "5",
    NORAY_UDP_RELAY_MAX_INDIVIDUAL_TRAFFIC: "64kb",
    NORAY_UDP_RELAY_MAX_GLOBAL_TRAFFIC: "1mb",
    NORAY_UDP_RELAY_MAX_LIFETIME_DURATION: "1hr",
    NORAY_UDP_RELAY_MAX_LIFETIME_TRAFFIC: "1gb",
    NORAY_LOGLEVEL: "debug",
    NORAY_ENABLE_WORDS_OID: "true",
    NORAY_HTTP_PORT: " ",
  });
  expect(mistakes).toEqual([]);
  expect(unused).toEqual(["NORAY_ENABLE_WORDS_OID", "NORAY_LOGLEVEL"]);
  expect(settings).toEqual({
    host: "127.0.0.1",
    port: 9000,
    registrarPort: 9001,
    relayPorts: [9002, 9003, 9004, 9005],
    oid: { length: 6, characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
    pid: { length: 32, characters: expect.stringMatching(/^[\w-]{64}$/) },
    cleanupMs: 5_000,
    bounds: {
      rate: 65_536,
      networkRate: 262_144,
      totalRate: 1_048_576,
      lifetimeMs: 3_600_000,
      lifetimeBytes: 2 ** 30,
      idleMs: 10_000,
    },
  });
});

test("a number that is none counts as missing, and what noray refuses to start with is a mistake", () => {
  expect(readNoraySettings({ NORAY_SOCKET_PORT: "many", NORAY_OID_LENGTH: "" })).toMatchObject({
    settings: { port: 8890, oid: { length: 21 } },
    mistakes: [],
  });
  const wrong = {
    NORAY_SOCKET_PORT: "70000",
    NORAY_OID_LENGTH: "65",
    NORAY_PID_LENGTH: "8",
    NORAY_OID_CHARSET: "ab:",
    NORAY_PID_CHARSET: "aa",
    NORAY_SOCKET_HOST: "::1",
    NORAY_UDP_RELAY_PORTS: "all",
    NORAY_UDP_RELAY_TIMEOUT: "5min",
    NORAY_UDP_RELAY_MAX_GLOBAL_TRAFFIC: "1kbps",
  };
  const { mistakes } = readNoraySettings(wrong);
  for (const name of Object.keys(wrong)) {
    expect(mistakes.filter((mistake) => mistake.startsWith(`${name} must be `))).toHaveLength(1);
  }
  expect(mistakes).toHaveLength(Object.keys(wrong).length);
});
