import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { limits } from "../../core/limits.ts";
import { causes } from "../../core/link/cause.ts";
import { relayCodes } from "../../core/relay/ticket.ts";
import { packetKinds } from "../../core/wire/peer-packet.ts";
import { sidecarMessages } from "../../core/wire/sidecar-message.ts";

const page = readFileSync(new URL("../../docs/links.md", import.meta.url), "utf8");

test("the page on links lists every cause, and every reason of a relay, with its sentence", () => {
  const rows = Object.entries({ ...causes, ...relayCodes }).map(
    ([code, sentence]) => `| \`${code}\` | ${sentence} |`,
  );
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});

test("the page on links has every message of a sidecar, with all its fields", () => {
  for (const [method, schema] of Object.entries(sidecarMessages)) {
    const fields = Object.entries(schema.shape).map(([name, field]) =>
      field.safeParse(undefined).success ? `${name}?` : name,
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
  const rows = [
    `candidates of a client | ${limits.candidates} |`,
    `binds of one ticket from one address | ${limits.relayBinds} in ${limits.relayBindsMs / 1000} s |`,
    `client's links through the relay | ${limits.seats - 1} |`,
    `packet of the game | ${limits.gamePacketBytes.toLocaleString("en").replace(",", " ")} bytes`,
    `characters of one | ${limits.timelineLines}, ${limits.timelineText} |`,
    `${limits.relayLinkRate / 1024} KiB a second, both ways together; ${limits.relayLinkBytes / 1024 ** 3} GiB; ${limits.relayTicketMs / 3_600_000} hours`,
    `through the relay | ${limits.relayLobbyRate / 1024 ** 2} MiB a second`,
    `without a packet of its own, or a bind | ${limits.relayIdleMs / 1000} s`,
  ];
  expect(rows.filter((row) => !page.includes(row))).toEqual([]);
});
