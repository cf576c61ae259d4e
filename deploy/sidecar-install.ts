/** `npm run sidecar:install`: prints a script which installs one sidecar on the machine that runs it, key and all. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { sidecarKeyText } from "../core/sidecar-key.ts";
import { runOneOff } from "../local/one-off.ts";
import { sidecarKeyOf } from "../local/sidecar-key.ts";
import { sidecarFile } from "../packages/sidecar-file.ts";
import { serverUrl } from "../session/server.ts";
import { readSecret, readSidecarId } from "./secret.ts";

const help = `Prints a script which installs one sidecar on the machine that runs it. It contains the sidecar's key: pipe it there, and keep no copy.

Usage: npm run -s sidecar:install -- --name <name> --edge <url> < orion.secret | ssh root@<machine> sh

  --name <name>    What tells the sidecar apart from the others, like fra-1: up to 32 characters
  --edge <url>     The Worker's URL
  --number <n>     Which of its keys, as the Worker's setting sidecarKeys has it. Default: 1
  --set <setting>  A variable of the sidecar, like ORION_RELAY_RATE=4. May be repeated
  --help           This text

The machine needs systemd and Node.js 20.19 or newer. The secret comes from the environment, ORION_SECRET, or from standard input.
`;

const here = (path: string) => readFileSync(fileURLToPath(new URL(path, import.meta.url)));
/** Variables that --set may set. Keys are secrets, and not for a command line. */
const settable = /^(ORION_(?!SIDECAR_KEY)[A-Z_]+)=([\w.:\- ]*)$/;

const text = { type: "string" } as const;
const texts = { type: "string", multiple: true } as const;

await runOneOff(
  { help, options: { name: text, edge: text, number: text, set: texts, help: { type: "boolean" } } },
  async ({ values }) => {
    const id = readSidecarId(values);
    if (values.edge === undefined) throw new Error("Say where the Worker is: --edge https://…");
    const edge = serverUrl(values.edge).origin;
    const wrong = values.set?.find((one) => !settable.test(one));
    if (wrong !== undefined) throw new Error("--set must be like ORION_RELAY_RATE=4.");
    const key = sidecarKeyText(sidecarKeyOf(await readSecret(), id));
    const environment = [`ORION_EDGE=${edge}`, ...(values.set ?? [])].map((line) => `${line}\n`).join("");
    console.log(
      scriptOf({
        "orion-edge-sidecar.mjs": Buffer.from((await sidecarFile()).text),
        "orion-sidecar.service": here("systemd/orion-sidecar.service"),
        "60-orion-edge.conf": here("sysctl/60-orion-edge.conf"),
        "install-sidecar.sh": here("install-sidecar.sh"),
        "sidecar.env": Buffer.from(environment),
        "sidecar.key": Buffer.from(`${key}\n`),
      }),
    );
  },
);

/** Puts the files into a folder of their own, and runs the last step there. */
function scriptOf(files: Record<string, Buffer>): string {
  const unpacked = Object.entries(files).map(([name, bytes]) => {
    const lines = gzipSync(bytes, { level: 9 })
      .toString("base64")
      .replace(/.{1,100}/g, "$&\n");
    return `base64 -d <<'END' | gunzip > "$folder/${name}"\n${lines}END`;
  });
  return [
    "set -eu",
    "umask 077",
    "folder=$(mktemp -d)",
    "trap 'rm -rf \"$folder\"' EXIT",
    ...unpacked,
    "mkdir -p /etc/orion-edge",
    'cp "$folder/sidecar.env" "$folder/sidecar.key" /etc/orion-edge/',
    'sh "$folder/install-sidecar.sh" "$folder"',
  ].join("\n");
}
