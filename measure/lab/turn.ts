/** A real TURN server in the lab: coturn, at the server's second address. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { within } from "../bench/patience.ts";
import type { SharedTurn } from "../kit/turn-api.ts";
import { startProgram } from "./program.ts";
import { otherServerAddress, type Place } from "./topology.ts";

const port = 3478;
const patienceMs = 120_000;

export const turnUrl = `turn:${otherServerAddress}:${port}?transport=udp`;

/** What a service tells its members of TURN: some servers, or those of an API. */
export type TurnTold = { iceServers?: object[]; api?: SharedTurn };

/** Who may use a TURN server: one who knows the password, or whoever got a credential from the owner of the secret. */
export type TurnAccess = { user: string; password: string } | { secret: string };

export type TurnServer = Disposable & {
  /** What it has said so far, line by line. */
  readonly lines: readonly string[];
};

/** Why there is no TURN server on this machine, in a sentence, or null if there is one. */
export function whyNoTurn(): string | null {
  const { error } = spawnSync("turnserver", ["--version"]);
  return error ? "There is no TURN server: Debian has one, coturn." : null;
}

/** Starts it, and waits until it is there. */
export async function startTurnServer({ namespace }: Place, access: TurnAccess): Promise<TurnServer> {
  const folder = mkdtempSync(join(tmpdir(), "orion-edge-turn-"));
  const allowed =
    "secret" in access
      ? ["--use-auth-secret", `--static-auth-secret=${access.secret}`]
      : ["--lt-cred-mech", `--user=${access.user}:${access.password}`];
  const [command, args] = namespace.command(
    // By lines, so that what it says is heard at once.
    ...["stdbuf", "-oL", "turnserver", "-n"],
    ...["--listening-ip", otherServerAddress, "--relay-ip", otherServerAddress],
    ...["--listening-port", String(port), "--realm", "orion.example", "--fingerprint", ...allowed],
    ...["--no-cli", "--no-tls", "--no-dtls", "--no-tcp", "--no-tcp-relay", "--no-multicast-peers"],
    ...["--userdb", join(folder, "users"), "--pidfile", join(folder, "pid")],
    ...["--log-file", "stdout", "--simple-log", "--verbose"],
  );
  const program = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const output = createInterface(program.stdout);
  output.on("line", (line) => lines.push(line));
  const isUp = async () => {
    while (!lines.some((line) => line.includes(`UDP listener opened on: ${otherServerAddress}:${port}`)))
      await once(output, "line");
  };
  await within(isUp(), `The TURN server did not come up: ${lines.at(-1) ?? "it says nothing"}`, patienceMs);
  return {
    lines,
    [Symbol.dispose]: () => {
      program.kill("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Starts the service for it. Returns its URL. It ends with its namespace. */
export async function startTurnService(place: Place, told: TurnTold): Promise<string> {
  const args = [place.address, JSON.stringify(told)];
  const program = startProgram(place, "The server", "measure/lab/turn-service.ts", args);
  return await program.hears((line) => /^at (\S+)$/.exec(line)?.[1] ?? null, "where it is", patienceMs);
}

/** From now on no datagram leaves this player but to the TURN server. */
export function allowTurnAlone({ namespace }: Place): void {
  namespace.rules(
    `table ip turn-alone { chain leaving { type filter hook output priority 0; ip daddr 127.0.0.0/8 accept; ip daddr ${otherServerAddress} udp dport ${port} accept; meta l4proto udp drop; }; }`,
  );
}
