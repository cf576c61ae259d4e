/** Network namespaces of this process, and what runs in them. */
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";

export type Namespace = {
  readonly name: string;
  /** Runs lines of `ip` in it, like `link set lo up`. Throws a sentence with what ip said. */
  ip(...lines: string[]): void;
  /** Replaces nothing, adds these rules of nftables. */
  rules(text: string): void;
  /** Runs a line of `bridge fdb` in it. */
  fdb(line: string): void;
  /** A program's command line, run in it. */
  command(program: string, ...args: string[]): [program: string, args: string[]];
};

const prefix = "orion-lab";
/** Where `ip netns` keeps its names. */
const folder = "/run/netns";
const opened = new Set<string>();
process.on("exit", () => closeNamespaces([...opened]));

let groups = 0;

/** The beginning of the names of a new group of namespaces: no two groups of a machine have the same. */
export function newGroup(): string {
  groups += 1;
  return `${prefix}-${process.pid}-${groups}-`;
}

/** Makes a namespace, with loopback up and no IPv6. It is gone, with all that runs in it, when this process exits. */
export function openNamespace(name: string): Namespace {
  run("ip", ["netns", "add", name]);
  opened.add(name);
  const command = (program: string, ...args: string[]): [string, string[]] => [
    "ip",
    ["netns", "exec", name, program, ...args],
  ];
  run(...command("sh", "-c", settings));
  const ip = (...lines: string[]) => run("ip", ["-n", name, "-batch", "-"], `${lines.join("\n")}\n`);
  ip("link set lo up");
  return {
    name,
    ip,
    rules: (text) => run(...command("nft", "-f", "-"), text),
    fdb: (line) => run("bridge", ["-n", name, "fdb", ...line.split(" ")]),
    command,
  };
}

/** Whoever has two interfaces forwards. Addresses of IPv6 would only come up late, and lead past the NATs. */
const settings = "echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 1 > /proc/sys/net/ipv4/ip_forward";

/** Ends what runs in these, by its ids, and deletes them. Says nothing of those that are gone already. */
export function closeNamespaces(names: readonly string[]): void {
  for (const name of names) {
    try {
      for (const pid of run("ip", ["netns", "pids", name]).split("\n").filter(Boolean)) end(Number(pid));
      run("ip", ["netns", "del", name]);
    } catch {
      // Somebody else has deleted it, which is what was wanted.
    }
    opened.delete(name);
  }
}

/** Deletes what was left behind by runs that were killed: groups whose process is no more. */
export function closeLeftovers(): void {
  closeNamespaces(
    namesOf(prefix).filter((name) => {
      const pid = Number(name.slice(prefix.length + 1).split("-")[0]);
      return Number.isInteger(pid) && !isAlive(pid);
    }),
  );
}

/** The names of namespaces of this machine that begin so. */
export function namesOf(beginning: string): string[] {
  try {
    return readdirSync(folder).filter((name) => name.startsWith(beginning));
  } catch {
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

function end(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}

function run(program: string, args: string[], input = ""): string {
  try {
    return execFileSync(program, args, { input, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new Error(`there is no program ${program}.`);
    const said = error instanceof Error && "stderr" in error ? String(error.stderr).trim() : String(error);
    throw new Error(`${program} ${args.join(" ")} failed: ${said}`);
  }
}
