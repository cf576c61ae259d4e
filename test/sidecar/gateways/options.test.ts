/** Which gateways an operator gets, by flags, by our variables, and by noray's own. */
import { expect, test } from "vitest";
import { readOptions as readStart } from "../../../local/options.ts";
import { keyTextOf } from "../../../measure/kit/secret.ts";
import { type GivenFlags, readGateways } from "../../../udp-sidecar/gateways/options.ts";
import { readOptions as readSidecar } from "../../../udp-sidecar/options.ts";

function wanted(flags: GivenFlags = {}, environment: NodeJS.ProcessEnv = {}, host = "::") {
  const { plans, ...rest } = readGateways(flags, environment, host);
  const ports = plans.map(({ name, ports }) => [name, ...ports.map(({ kind, port }) => `${kind} ${port}`)]);
  return { ports, ...rest };
}

test("by default all gateways are on, with the ports of the originals", () => {
  expect(wanted()).toEqual({
    ports: [
      ["noray", "TCP 8890", "UDP 8809"],
      ["rabid", "UDP 57775"],
    ],
    admission: { addressSessions: 8, wideSessions: 20, sessions: 2_000, addressDatagramsPerSecond: 5 },
    ignored: [],
    skipTaken: false,
  });
});

test("each can be moved, or switched off, by a flag or by the environment", () => {
  expect(wanted({ norayPort: "0", norayRegistrarPort: "7000", rabidPort: "7007" }).ports).toEqual([
    ["noray", "TCP 0", "UDP 7000"],
    ["rabid", "UDP 7007"],
  ]);
  const [noray, rabid] = [
    ["noray", "TCP 7001", "UDP 8809"],
    ["rabid", "UDP 57775"],
  ];
  expect(wanted({}, { ORION_NORAY_PORT: " 7001\n" }).ports).toEqual([noray, rabid]);
  expect(wanted({ norayPort: "off" }).ports).toEqual([rabid]);
  expect(wanted({}, { ORION_NORAY_PORT: "off" }).ports).toEqual([rabid]);
  expect(wanted({ norayPort: "7001" }, { ORION_NORAY_PORT: "off" }).ports).toEqual([noray, rabid]);
  expect(wanted({ norayPort: "7001" }, { ORION_RABID_PORT: "off" }).ports).toEqual([noray]);
  expect(wanted({ norayPort: "7001", rabidPort: "off" }).ports).toEqual([noray]);
});

test("noray's own variables count where nothing of ours is said", () => {
  const environment = { NORAY_SOCKET_PORT: "7003", NORAY_UDP_REGISTRAR_PORT: "7004" };
  const noray = (flags: GivenFlags) => wanted(flags, environment).ports[0];
  expect(noray({})).toEqual(["noray", "TCP 7003", "UDP 7004"]);
  expect(noray({ norayPort: "7005" })).toEqual(["noray", "TCP 7005", "UDP 7004"]);
  expect(() => wanted({}, { NORAY_UDP_RELAY_PORTS: "all" })).toThrow(/NORAY_UDP_RELAY_PORTS/);
  const logLevel = { NORAY_LOGLEVEL: "debug" };
  expect(wanted({}, logLevel).ignored).toEqual(["NORAY_LOGLEVEL"]);
  expect(wanted({ norayPort: "off" }, logLevel).ignored).toEqual([]);
});

test("on one address of IPv6 there are none, unless they are asked for: then a sentence says why not", () => {
  expect(wanted({}, {}, "::1").ports).toEqual([]);
  expect(() => wanted({ norayPort: "8890" }, {}, "::1")).toThrow(/--norayPort .* IPv4/);
  expect(() => wanted({ rabidPort: "57775" }, {}, "::1")).toThrow(/--rabidPort .* IPv4/);
  expect(wanted({}, {}, "203.0.113.7").ports).toHaveLength(2);
});

test("the limits by address are the operator's", () => {
  const flags = { gatewaySessionsPerAddress: "40", gatewaySessionsPerNetwork: "80", gatewaySessions: "100" };
  expect(wanted({ ...flags, gatewayDatagramsPerAddress: "200", skipTakenPorts: "on" })).toMatchObject({
    admission: { addressSessions: 40, wideSessions: 80, sessions: 100, addressDatagramsPerSecond: 200 },
    skipTaken: true,
  });
});

const mistakes: [GivenFlags, RegExp][] = [
  [{ norayPort: "many" }, /^--norayPort must be a whole number from 0 to 65535, or off, not "many"\.$/],
  [
    { norayRegistrarPort: "65536" },
    /^--norayRegistrarPort must be a whole number from 0 to 65535, not "65536"\.$/,
  ],
  [{ norayRelayPorts: "9-1" }, /^--norayRelayPorts must be like .*, not "9-1"\.$/],
  [{ gatewaySessions: "0" }, /^--gatewaySessions must be a whole number from 1 to 20000, not "0"\.$/],
  [{ skipTakenPorts: "maybe" }, /^--skipTakenPorts must be on or off, not "maybe"\.$/],
  [{ rabidPort: "65536" }, /^--rabidPort must be a whole number from 0 to 65535, or off, not "65536"\.$/],
  [{ norayPort: "x".repeat(40) }, /^--norayPort must be .*, not a text of 40 characters\.$/],
];
test.each(mistakes)("%j is answered with a sentence", (flags, sentence) => {
  expect(() => wanted(flags)).toThrow(sentence);
});

test("npm start and npm run sidecar read the same", () => {
  const args = ["--norayPort=7006", "--rabidPort", "7008", "--gatewaySessions", "9", "--skipTakenPorts=on"];
  const key = { ORION_SIDECAR_KEY: keyTextOf() };
  for (const wish of [readStart(args), readSidecar([...args, "--edge=https://edge.example"], key)]) {
    if (wish.kind !== "run") throw new Error(wish.kind);
    const { gateways } = wish.options;
    expect(gateways?.plans[0]?.ports[0]).toEqual({ kind: "TCP", port: 7_006, flag: "--norayPort" });
    expect(gateways?.plans[1]?.ports).toEqual([{ kind: "UDP", port: 7_008, flag: "--rabidPort" }]);
    expect(gateways).toMatchObject({ skipTaken: true, admission: { sessions: 9 } });
  }
});
