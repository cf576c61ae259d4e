import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { causes } from "../../core/link/cause.ts";
import { linkLimits } from "../../core/link/limits.ts";
import { relayLimits } from "../../core/relay/limits.ts";
import { socketRelayCodes } from "../../core/relay/socket/codes.ts";
import { socketRelayLimits } from "../../core/relay/socket/limits.ts";
import { relayCodes } from "../../core/relay/ticket.ts";
import { wrong } from "../../core/shape.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { packetKinds } from "../../core/wire/peer-packet.ts";
import { sidecarMessages } from "../../core/wire/sidecar-message.ts";
import { sidecarLimits } from "../../udp-sidecar/limits.ts";
import { holderLimits } from "../../worker/sessions/limits.ts";

const page = readFileSync(new URL("../../docs/links.md", import.meta.url), "utf8");

test("the page on links lists every cause, and every reason of a relay, with its sentence", () => {
  const rows = [causes, relayCodes, socketRelayCodes]
    .flatMap((codes) => Object.entries(codes))
    .map(([code, sentence]) => `| \`${code}\` | ${sentence} |`);
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

test("the page on links has every message of a sidecar, with all its fields", () => {
  for (const [method, schema] of Object.entries(sidecarMessages)) {
    const fields = Object.entries(schema.fields).map(([name, field]) =>
      field(undefined) !== wrong ? `${name}?` : name,
    );
    expect(page).toContain(`\`${method}\` \`{${fields.join(", ")}}\``);
  }
});

test("the page on links has every kind of packet", () => {
  for (const [kind, byte] of Object.entries(packetKinds)) {
    expect(page).toContain(`\`0x${byte.toString(16)}\` ${kind}`);
  }
});

test("the page on links states the limits the code has", () => {
  const { socketRelayMembers: members, socketRelayLinkRate: rate, ...socketRelay } = socketRelayLimits;
  const rows = [
    `members of a relay, links of one | ${members}, ${members - 1} |`,
    `bytes of a link, each way | ${rate / 1024} KiB a second, twice that at once |`,
    `frames of one client | ${socketRelay.socketRelayMemberFrames} a second, ${2 * socketRelay.socketRelayMemberFrames} at once |`,
    `frames of all clients of a relay | ${socketRelay.socketRelayFrames} a second, 1 000 at once.`,
    `candidates of a client | ${wireLimits.candidates} |`,
    `binds of one ticket from one address | ${sidecarLimits.relayBinds} in ${sidecarLimits.relayBindsMs / 1000} s |`,
    `client's links through the relay | ${wireLimits.seats - 1} |`,
    `packet of the game | ${wireLimits.gamePacketBytes.toLocaleString("en").replace(",", " ")} bytes`,
    `into its own networks | ${linkLimits.unprovenChecks} a minute, ${linkLimits.homeChecks} a minute, ${linkLimits.nearChecks} a minute`,
    `characters of one | ${wireLimits.timelineLines}, ${wireLimits.timelineText} |`,
    `${relayLimits.relayLinkRate / 1024} KiB a second, both ways together; ${relayLimits.relayLinkBytes / 1024 ** 3} GiB; ${relayLimits.relayLinkMs / 3_600_000} hours`,
    `a ticket | ${relayLimits.relayTicketMs / 60_000} minutes`,
    `have tickets renewed | ${holderLimits.renewBurst} at once, one in ${1 / holderLimits.renewsPerSecond} s`,
    `through the relay | ${relayLimits.relayLobbyRate / 1024 ** 2} MiB a second`,
    `ends of links at one address | a quarter of the relay's links: ${(relayLimits.relayLinks / 4).toLocaleString("en").replace(",", " ")} |`,
    `only one end has bound | ${relayLimits.relayHalfBound}, for ${relayLimits.relayHalfBoundMs / 1000} s each`,
    `without a packet of its own, or a bind | ${relayLimits.relayIdleMs / 1000} s`,
  ];
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});
