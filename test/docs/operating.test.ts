import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { relayLimits } from "../../core/relay/limits.ts";
import { wireLimits } from "../../core/wire/limits.ts";
import { doorFor, roomFor } from "../../local/descriptors.ts";
import { gatewayFlags } from "../../udp-sidecar/gateways/options.ts";
import { help } from "../../udp-sidecar/options.ts";

/** Descriptors of workerd before anybody connects. */
const idleDescriptors = 62;

const page = (name: string) => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), "utf8");
const mebibyte = 1024 ** 2;

test("the page on settings has every option of the sidecar, with its variable", () => {
  const flags = help.split(/^ {2}(?=--)/m).flatMap((entry) => {
    const [, flag] = /^(--\w+) </.exec(entry) ?? [];
    return flag ? [[flag, /ORION_\w+/.exec(entry)?.[0]] as const] : [];
  });
  expect(flags).toHaveLength(9 + Object.keys(gatewayFlags).length);
  const settings = page("settings");
  const missing = flags.filter(([flag, variable]) => !settings.includes(`| \`${flag}\` | \`${variable}\` |`));
  expect(missing).toEqual([]);
});

const canFilter = process.getuid?.() === 0 && spawnSync("nft", ["--version"]).status === 0;
// Only root may ask the kernel, and only a namespace of its own is asked.
test.skipIf(!canFilter)("the firewall takes the rules on the page on strangers", () => {
  const [, rules = ""] = /```nft\n(.+?)```/s.exec(page("strangers")) ?? [];
  const { status, stderr } = spawnSync("unshare", ["-n", "nft", "-f", "-"], {
    input: rules,
    encoding: "utf8",
  });
  expect([status, stderr]).toEqual([0, ""]);
});

test("the pages on the relay and on settings state the relay's bounds the code has", () => {
  const rows = [
    `| links | ${relayLimits.relayLinks.toLocaleString("en").replace(",", " ")} |`,
    `| links of one player | ${wireLimits.seats - 1},`,
    `| one link | ${relayLimits.relayLinkRate / 1024} KiB a second, both ways together; ${relayLimits.relayLinkBytes / 1024 ** 3} GiB in all;`,
    `| the links of one lobby | ${relayLimits.relayLobbyRate / mebibyte} MiB a second |`,
    `| all | ${relayLimits.relayTotalRate / mebibyte} MiB a second, or what \`--relayRate\` says |`,
    `| \`ORION_RELAY_RATE\` | ${relayLimits.relayTotalRate / mebibyte} |`,
    `at ${relayLimits.relayTotalRate / mebibyte} MiB a second | ${((relayLimits.relayTotalRate * 86_400) / 1e12).toFixed(1)} TB a day, ${Math.round((relayLimits.relayTotalRate * 30 * 86_400) / 1e12)} TB a month`,
  ];
  const told = page("relay") + page("settings");
  expect(rows.filter((row) => !told.includes(row))).toEqual([]);
});

test("the page on strangers has the players and the connections that the code has", () => {
  const told = page("strangers").replaceAll(/(?<=\d) (?=\d)/g, "");
  for (const limit of [1_024, 16_384, 65_536]) {
    const silent = Math.floor((doorFor(limit).shutAt - idleDescriptors) / 2);
    expect(told).toContain(`| ${limit} | ${roomFor(limit).sockets} | ${silent}, less what players use |`);
  }
});
