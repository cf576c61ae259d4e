/** Who has registered, and where the registrar saw them. */
import { expect, test } from "vitest";
import { norayLimits } from "../../../core/dialects/noray/limits.ts";
import type { Own } from "../../../core/dialects/noray/own.ts";
import { accepted, Registrar, refused } from "../../../core/dialects/noray/registrar.ts";
import { Registrations } from "../../../core/dialects/noray/registrations.ts";

const ada = { ip: "192.0.2.1", port: 4_001 };
const pid = "p".repeat(128);
const wrong = "w".repeat(128);

function withAda(address = ada.ip) {
  const registrations = new Registrations<{ address: string }>();
  const connection = { address };
  const registration = registrations.register(connection, () => ({ oid: "ada", pid }), 0);
  return { registrations, registrar: new Registrar(registrations), registration, connection };
}

test("a registration is found by its oid, its pid and its connection, until that ends", () => {
  const { registrations, registration, connection } = withAda();
  expect(registrations.ofOid("ada")).toBe(registration);
  expect(registrations.ofPid(pid)).toBe(registration);
  expect(registrations.ofOwner(connection)).toBe(registration);
  expect(registrations.leave(connection)).toBe(registration);
  expect(registrations.leave(connection)).toBeNull();
  expect([registrations.ofOid("ada"), registrations.ofPid(pid), registrations.size]).toEqual([
    undefined,
    undefined,
    0,
  ]);
});

test("a connection that registers again keeps its ids", () => {
  const { registrations, registration, connection } = withAda();
  const again = registrations.register(connection, () => ({ oid: "other", pid: wrong }), 0);
  expect(again).toBe(registration);
  expect(registrations.size).toBe(1);
});

test("an id that is taken is drawn again, and a server without free ids registers nobody", () => {
  const { registrations } = withAda();
  const oids = ["ada", "ada", "bob"];
  const bob = registrations.register({ address: "" }, () => ({ oid: oids.shift() ?? "", pid: "q" }), 0);
  expect(bob?.oid).toBe("bob");
  let draws = 0;
  const none = registrations.register({ address: "" }, () => ({ oid: "ada", pid: `${draws++}` }), 0);
  expect([none, draws]).toEqual([null, norayLimits.norayOidDraws]);
});

test("each datagram with the pid is answered, and a later one moves the address", () => {
  const { registrar, registration } = withAda();
  expect(registrar.hear(pid, ada, 0)).toEqual({ verdict: "registered", answer: accepted, registration });
  expect(registration?.endpoint).toEqual(ada);
  expect(registrar.hear(pid, { ...ada }, 100).verdict).toBe("repeated");
  const elsewhere = { ip: "192.0.2.1", port: 4_002 };
  expect(registrar.hear(pid, elsewhere, 200)).toMatchObject({ verdict: "moved", answer: accepted });
  expect(registration?.endpoint).toEqual(elsewhere);
});

test.each([
  ["its own address", "192.0.2.1", "192.0.2.1", "registered"],
  ["another of its carrier's pool", "192.0.2.1", "192.0.2.200", "registered"],
  ["another network", "192.0.2.1", "192.0.3.1", "elsewhere"],
  ["this machine, by another of its addresses", "127.0.0.1", "127.9.0.2", "registered"],
  ["another network, of a player on this machine", "127.0.0.1", "192.0.2.1", "elsewhere"],
  ["this machine, of a player elsewhere", "192.0.2.1", "127.0.0.1", "elsewhere"],
])("a pid counts from where its player's TCP comes from: %s", (_, tcp, udp, verdict) => {
  const { registrar, registration } = withAda(tcp);
  const isHeard = verdict === "registered";
  const answer = isHeard ? accepted : refused;
  expect(registrar.hear(pid, { ip: udp, port: 4_001 }, 0)).toMatchObject({ verdict, answer });
  expect(registration?.endpoint).toEqual(isHeard ? { ip: udp, port: 4_001 } : null);
});

test("a pid from the gateway's own ports is not answered, and one from its address counts for players of its machine alone", () => {
  const gateway = "192.0.2.77";
  const own: Own = {
    isAddress: (ip) => ip === gateway,
    isEndpoint: ({ ip, port }) => ip === gateway && port === 8_809,
  };
  const heard = (tcp: string, port: number) => {
    const { registrations } = withAda(tcp);
    return new Registrar(registrations, own).hear(pid, { ip: gateway, port }, 0);
  };
  for (const tcp of [ada.ip, gateway]) {
    expect(heard(tcp, 8_809)).toEqual({ verdict: "unknown", answer: null, registration: null });
  }
  expect(heard(ada.ip, 4_001)).toMatchObject({ verdict: "elsewhere", registration: null });
  expect(heard(gateway, 4_001)).toMatchObject({ verdict: "registered", answer: accepted });
});

test("pids from other networks are answered as seldom as wrong ones, and leave their player its place", () => {
  const { registrar, registration } = withAda();
  registrar.hear(pid, ada, 0);
  const other = { ip: "198.51.100.9", port: 53 };
  const heard = Array.from({ length: 1_000 }, () => registrar.hear(pid, other, 0));
  expect(heard.filter(({ answer }) => answer !== null)).toHaveLength(norayLimits.norayWrongPids);
  expect(registration?.endpoint).toEqual(ada);
  expect(registrar.hear(pid, ada, 0)).toMatchObject({ verdict: "repeated", answer: accepted });
});

test.each([
  ["another pid", wrong, refused],
  ["the pid with a line end", `${pid}\n`, refused],
  ["the pid without its end", pid.slice(1), refused],
  ["as long as the answer", "x".repeat(refused.length), refused],
  ["shorter than the answer", "x".repeat(refused.length - 1), null],
  ["nothing", "", null],
])("a wrong pid gets no answer that is longer than itself: %s", (_, datagram, answer) => {
  const { registrar, registration } = withAda();
  expect(registrar.hear(datagram, ada, 0)).toEqual({ verdict: "unknown", answer, registration: null });
  expect(registration?.endpoint).toBeNull();
});

test("a pid from port 0, where nothing can be sent, changes nothing", () => {
  const { registrar, registration } = withAda();
  expect(registrar.hear(pid, { ...ada, port: 0 }, 0)).toEqual({
    verdict: "unknown",
    answer: null,
    registration: null,
  });
  expect(registration?.endpoint).toBeNull();
});

test("a flood of wrong pids is answered a few times a second, and keeps nobody else from registering", () => {
  const { registrar } = withAda();
  let answers = 0;
  for (let i = 0; i < 100_000; i++) {
    const from = { ip: `198.51.${(i >> 8) & 255}.${i & 255}`, port: 1 };
    if (registrar.hear(wrong, from, 0).answer !== null) answers += 1;
  }
  expect(answers).toBe(norayLimits.norayWrongPidsInAll);
  const one = Array.from({ length: 50 }, () => registrar.hear(wrong, ada, 2_000));
  expect(one.filter(({ answer }) => answer !== null)).toHaveLength(norayLimits.norayWrongPids);
  expect(one.at(-1)?.verdict).toBe("limited");
  expect(registrar.hear(pid, ada, 2_000).answer).toBe(accepted);
});

test("one pid is answered as often as clients send it, and no more", () => {
  const { registrar } = withAda();
  const heard = Array.from({ length: 1_000 }, () => registrar.hear(pid, ada, 0).answer);
  expect(heard.filter((answer) => answer === accepted)).toHaveLength(norayLimits.norayPidBurst);
  // A client sends ten a second.
  for (let ms = 100; ms < 20_000; ms += 100) expect(registrar.hear(pid, ada, ms).answer).toBe(accepted);
});
