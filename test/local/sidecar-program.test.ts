/** `npm run sidecar` as its operator sees it: a process, its options, its words and its end. */

import { spawn, spawnSync } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { type StandIn, startStandIn, takeAll } from "../../measure/kit/edge.ts";
import { freeTcpPort, freeUdpPort } from "../../measure/kit/free-ports.ts";
import { type Program, root, startProgram } from "../../measure/kit/program.ts";
import { keyTextOf, signatureOf } from "../../measure/kit/secret.ts";
import { noteLines, noteSettings } from "../../measure/kit/whole-log.ts";
import { readOptions } from "../../udp-sidecar/options.ts";

let edge: StandIn;
beforeAll(async () => {
  edge = await startStandIn();
});
afterAll(() => edge.stop());

const keyText = keyTextOf();
/** Nothing of the machine's own settings. */
const bare = {
  ...{ ORION_EDGE: "", ORION_SECRET: "", ORION_SIDECAR_KEY: keyText, ORION_SIDECAR_KEY_BEFORE: undefined },
  ...{ ORION_UDP_PORT: undefined, ORION_SECOND_UDP_PORT: undefined, ORION_HOST: undefined },
  // Several run at the same time.
  ORION_METRICS_PORT: "off",
};

function sidecar(args: string[], environment: NodeJS.ProcessEnv = {}) {
  return startProgram("node", ["udp-sidecar/main.ts", ...args], { ...bare, ...environment });
}

/** What it has written so far: every line is a JSON object that says how grave it is, and what it is about. */
function linesOf({ output }: Program): Record<string, unknown>[] {
  const lines = output
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  for (const line of lines) {
    expect(line).toMatchObject({ level: expect.stringMatching(/^(info|error)$/), event: expect.any(String) });
  }
  // That depends on the machine.
  return lines.filter(({ event }) => event !== fewHeld);
}
const fewHeld = "receive_buffer_small";

describe("a sidecar that runs", () => {
  test("takes its options as flags, says what it does, and says goodbye at SIGTERM", async () => {
    const port = await freeUdpPort();
    const program = sidecar(
      [...["--edge", edge.url.href, "--udpPort", String(port)], "--publicHost=udp.example.org"],
      { ORION_SIDECAR_KEY: keyTextOf("by-flags") },
    );
    await program.prints(/sidecar_accepted/);
    const who = { time: expect.any(String), level: "info", sidecar: "by-flags", edge: edge.url.origin };
    expect(linesOf(program)).toEqual([
      { ...who, event: "sidecar_listening", port, secondPort: port + 1 },
      { ...who, event: "sidecar_accepted" },
    ]);
    const asked = Date.now();
    process.kill(program.pid, "SIGTERM");
    expect(await program.ended).toBe(0);
    expect(Date.now() - asked).toBeLessThan(2_000);
    expect(edge.beats.filter(({ name }) => name === "by-flags")).toMatchObject([
      { host: "udp.example.org", port, leaving: false },
      { host: "udp.example.org", port, leaving: true },
    ]);
    expect(program.errors).toBe("");
    expect(program.output).not.toContain(keyText);
  });

  test("takes its options from the environment, and a flag before it", async () => {
    const port = await freeUdpPort();
    const program = sidecar(["--publicHost", "2001:db8::1"], {
      ORION_EDGE: edge.url.href,
      ORION_SIDECAR_KEY: keyTextOf("by-environment"),
      ORION_UDP_PORT: String(port),
      ORION_PUBLIC_HOST: "udp.example.org",
    });
    await program.prints(/sidecar_accepted/);
    process.kill(program.pid, "SIGINT");
    expect(await program.ended).toBe(0);
    expect(edge.beats.filter(({ port: theirs }) => theirs === port)).toMatchObject([
      { name: "by-environment", host: "2001:db8::1", leaving: false },
      { name: "by-environment", leaving: true },
    ]);
    expect(program.output).not.toContain(keyText);
  });

  test("takes the next UDP port as its second one, or another that it is told, and tells both to the edge", async () => {
    const [port, second] = [await freeUdpPort(), await freeUdpPort()];
    for (const [args, expected] of [
      [[], port + 1],
      [["--secondUdpPort", String(second)], second],
    ] as const) {
      const program = sidecar(["--edge", edge.url.href, "--udpPort", String(port), ...args], {
        ORION_SIDECAR_KEY: keyText,
      });
      await program.prints(/sidecar_accepted/);
      expect(linesOf(program)[0]).toMatchObject({ port, secondPort: expected });
      await program.stop();
      const last = edge.beats.findLast((beat) => beat.port === port);
      expect(last).toMatchObject({ secondPort: expected, relays: true, leaving: true });
    }
  });

  test("takes values that were pasted with spaces, line ends or a byte order mark around them", async () => {
    const port = await freeUdpPort();
    const program = sidecar([], {
      ORION_EDGE: `${edge.url.href}\n`,
      ORION_SIDECAR_KEY: `\ufeff${keyTextOf("pasted")}\r\n`,
      ORION_SIDECAR_KEY_BEFORE: " ",
      ORION_UDP_PORT: ` ${port}\r`,
      ORION_SECOND_UDP_PORT: "",
      ORION_PUBLIC_HOST: "udp.example.org\r",
      ORION_RELAY_RATE: "off ",
      ORION_METRICS_PORT: "off\r\n",
      ORION_METRICS_HOST: " ::1 ",
    });
    await program.prints(/sidecar_accepted/);
    const post = edge.posts.find(({ body }) => body.includes('"pasted"'));
    expect(post?.signature).toBe(signatureOf(post?.path ?? "", post?.body ?? "", { name: "pasted" }));
    expect(JSON.parse(post?.body ?? "")).toMatchObject({
      ...{ name: "pasted", host: "udp.example.org", port, secondPort: port + 1 },
    });
    await program.stop();
    expect(program.output).not.toContain(keyText);
  });

  test("takes any free ports where it is told 0, and says which", async () => {
    const program = sidecar(["--edge", edge.url.href, "--udpPort=0", "--metricsPort", "0"], {
      ORION_SIDECAR_KEY: keyText,
    });
    await program.prints(/sidecar_accepted/);
    const { port, secondPort, metricsPort } = linesOf(program)[0] ?? {};
    expect((await fetch(`http://127.0.0.1:${metricsPort}/healthz`)).status).toBe(200);
    await program.stop();
    expect(edge.beats.findLast((beat) => beat.port === port)).toMatchObject({ secondPort, leaving: true });
  });

  test("takes no relaying as a flag or from the environment, and tells the edge", async () => {
    for (const [flags, environment] of [
      [["--relayRate", "off"], {}],
      [[], { ORION_RELAY_RATE: "off" }],
    ] as const) {
      const name = `off-${flags.length}`;
      const args = ["--udpPort", String(await freeUdpPort()), "--metricsPort", "off"];
      const program = sidecar([...args, ...flags], {
        ...environment,
        ORION_EDGE: edge.url.href,
        ORION_SIDECAR_KEY: keyTextOf(name),
      });
      await program.prints(/sidecar_accepted/);
      const beat = edge.beats.find((one) => one.name === name);
      expect(beat).toMatchObject({ name });
      expect(beat).not.toHaveProperty("relays");
      await program.stop();
    }
  });

  test("serves metrics on a port of its own", async () => {
    const [port, metricsPort] = [await freeUdpPort(), await freeTcpPort()];
    const program = sidecar(["--edge", edge.url.href, "--udpPort", String(port)], {
      ORION_SIDECAR_KEY: keyText,
      ORION_METRICS_PORT: String(metricsPort),
    });
    await program.prints(/sidecar_accepted/);
    expect(linesOf(program)[0]).toMatchObject({ metricsPort });
    const answer = await fetch(`http://127.0.0.1:${metricsPort}/healthz`);
    expect([answer.status, await answer.text()]).toEqual([200, "ok\n"]);
    await program.stop();
  });

  test.each([212_992, 8 * 1024 ** 2])(
    "says how many bytes of datagrams the system holds for it, if it wants more: %d",
    async (bytes) => {
      const code = `import { Socket } from "node:dgram"; Socket.prototype.getRecvBufferSize = () => ${bytes}`;
      const system = ["--import", `data:text/javascript,${encodeURIComponent(code)}`];
      const options = ["--edge", edge.url.href, "--udpPort", String(await freeUdpPort())];
      const program = startProgram("node", [...system, "udp-sidecar/main.ts", ...options], {
        ...bare,
        ORION_SIDECAR_KEY: keyTextOf("oslo"),
      });
      await program.prints(/sidecar_accepted/);
      await program.stop();
      const line = `"level":"info","event":"${fewHeld}","sidecar":"oslo","bytes":${bytes},"wanted":4194304}\n`;
      expect(program.output.includes(line)).toBe(bytes < 4_194_304);
      expect(program.output.includes(fewHeld)).toBe(bytes < 4_194_304);
    },
  );

  test("is started by npm run sidecar, and has the name that its key is made for", async () => {
    const port = await freeUdpPort();
    const args = ["run", "-s", "sidecar", "--", "--edge", edge.url.href, "--udpPort", String(port)];
    const program = startProgram("npm", args, { ...bare, ORION_SIDECAR_KEY: keyText });
    await program.prints(/sidecar_accepted/);
    expect(linesOf(program)[0]).toMatchObject({ sidecar: "test" });
    await program.stop();
    expect(edge.beats.filter(({ port: theirs }) => theirs === port).at(-1)).toMatchObject({ leaving: true });
  });

  test("ends at once though the edge is away", async () => {
    const port = await freeUdpPort();
    const program = sidecar(["--edge", "http://127.0.0.1:9", "--udpPort", String(port)], {
      ORION_SIDECAR_KEY: keyText,
    });
    await program.prints(/sidecar_not_accepted/);
    const asked = Date.now();
    process.kill(program.pid, "SIGTERM");
    expect(await program.ended).toBe(0);
    expect(Date.now() - asked).toBeLessThan(2_500);
  });

  const hasTerminals = spawnSync("script", ["--version"]).status === 0;
  test.skipIf(!hasTerminals)(
    "goes on, and ends when it is told, though its terminal is held by Ctrl-S",
    async () => {
      const metricsPort = await freeTcpPort();
      const away = await startStandIn((_, response) => response.writeHead(503).end());
      const options = ["--edge", away.url.href, "--udpPort", String(await freeUdpPort())];
      const command = ["exec node udp-sidecar/main.ts", ...options].join(" ");
      const environment = { ...bare, ORION_SIDECAR_KEY: keyText, ORION_METRICS_PORT: String(metricsPort) };
      noteSettings(environment);
      // A pseudo-terminal, and the program in it.
      const terminal = spawn("script", ["-qefc", command, "/dev/null"], {
        cwd: root,
        env: { ...process.env, ...environment },
        stdio: ["pipe", "pipe", "ignore"],
      });
      onTestFinished(() => void terminal.kill());
      const ended = once(terminal, "exit");
      let screen = "";
      terminal.stdout.setEncoding("utf8").on("data", (text: string) => {
        screen += text;
      });
      const soon = { interval: 5 };
      await vi.waitFor(() => expect(screen).toContain("sidecar_not_accepted"), soon);
      terminal.stdin.write("\x13");
      away.answer = takeAll;
      await vi.waitFor(() => expect(away.beats.length).toBeGreaterThan(1), soon);
      await vi.waitFor(async () => {
        const signal = AbortSignal.timeout(1_000);
        const health = await fetch(`http://127.0.0.1:${metricsPort}/healthz`, { signal });
        expect(health.status).toBe(200);
      }, soon);
      terminal.stdin.write("\x11");
      await vi.waitFor(() => expect(screen).toContain("sidecar_accepted"), soon);
      terminal.stdin.write("\x13\x03");
      await vi.waitFor(() => expect(away.beats.at(-1)).toMatchObject({ leaving: true }), soon);
      await ended;
      noteLines(command, screen);
      await away.stop();
    },
  );

  test("ends cleanly when it is told twice, as npm and a terminal do together", async () => {
    const program = sidecar(["--edge", edge.url.href, "--udpPort", String(await freeUdpPort())], {
      ORION_SIDECAR_KEY: keyText,
    });
    await program.prints(/sidecar_accepted/);
    edge.answer = () => {};
    process.kill(program.pid, "SIGINT");
    const soon = { interval: 5 };
    await vi.waitFor(() => expect(edge.beats.at(-1)).toMatchObject({ leaving: true }), soon);
    process.kill(program.pid, "SIGINT");
    expect(await program.ended).toBe(0);
    edge.answer = takeAll;
  });
});

describe("a sidecar that cannot run", () => {
  const good = ["--edge=https://edge.example"];
  const mistakes: Record<string, { args: string[]; environment?: NodeJS.ProcessEnv; says: RegExp }> = {
    "no edge": { args: [], says: /where the Worker is: --edge/ },
    "an edge that is no URL": {
      args: ["--edge", "edge.example"],
      says: /--edge .* must be a URL that begins with https/,
    },
    "an edge of another protocol": {
      args: ["--edge=ws://edge.example"],
      says: /--edge .* must be a URL that begins with https/,
    },
    "the key for the edge": {
      args: [],
      environment: { ORION_EDGE: keyText, ORION_SIDECAR_KEY: "https://edge.example" },
      says: /--edge .* must be a URL that begins with https/,
    },
    "an edge with a user and a password": {
      args: ["--edge=http://us%E0er:pw@edge.example"],
      says: /--edge .* must be the Worker's URL alone/,
    },
    "an edge with a path": {
      args: ["--edge=https://edge.example/orion/"],
      says: /--edge .* must be the Worker's URL alone/,
    },
    "an edge with a query": {
      args: ["--edge=https://edge.example?x=1"],
      says: /--edge .* must be the Worker's URL alone/,
    },
    "no key": {
      args: good,
      environment: { ORION_SIDECAR_KEY: "" },
      says: /ORION_SIDECAR_KEY in the environment.*npm run sidecar:key -- --name/,
    },
    "the deployment's secret alone": {
      args: good,
      environment: { ORION_SIDECAR_KEY: "", ORION_SECRET: keyText },
      says: /ORION_SIDECAR_KEY in the environment.*npm run sidecar:key -- --name/,
    },
    "the deployment's secret for the key": {
      args: good,
      environment: { ORION_SIDECAR_KEY: "of my own: 0123456789" },
      says: /^ORION_SIDECAR_KEY is not a sidecar's key\./,
    },
    "a key before of another name": {
      args: good,
      environment: { ORION_SIDECAR_KEY_BEFORE: keyTextOf("other") },
      says: /must be of one name/,
    },
    "a port of words": { args: [...good, "--udpPort", "many"], says: /--udpPort must be.*"many"/ },
    "a port beyond all": { args: [...good, "--udpPort=65536"], says: /--udpPort must be.*"65536"/ },
    "a wrong port in the environment": {
      args: good,
      environment: { ORION_UDP_PORT: "-1" },
      says: /must be a whole number.*"-1"/,
    },
    "a host with a port": {
      args: [...good, "--publicHost", "udp.example:5990"],
      says: /--publicHost must be/,
    },
    "a host that is a URL": {
      args: [...good, "--publicHost", "http://udp.example/"],
      says: /--publicHost must be/,
    },
    "a second port that is the first": {
      args: [...good, "--udpPort=7000", "--secondUdpPort=7000"],
      says: /--udpPort and --secondUdpPort must differ: both are 7000/,
    },
    "a metrics port of words": {
      args: [...good, "--metricsPort", "on"],
      says: /--metricsPort must be a whole number from 0 to 65535, or off, not "on"/,
    },
    "a metrics host that is a name": {
      args: [...good, "--metricsPort=5992", "--metricsHost", "metrics.example"],
      says: /--metricsHost must be an IP address of this machine.*"metrics\.example"/,
    },
    "a host that is a name": {
      args: [...good, "--host", "udp.example"],
      says: /--host must be an IP address of this machine.*"udp\.example"/,
    },
    "a relay rate of nothing": {
      args: [...good, "--relayRate", "0"],
      says: /--relayRate must be a whole number from 1 to 100000, or off, not "0"/,
    },
    "an unknown flag": { args: [...good, "--prot=1"], says: /^Unknown option --prot\.$/ },
    "a flag in kebab case": { args: [...good, "--udp-port=1"], says: /--udp-port\..* --udpPort\?/ },
    "the key in a wrong place": { args: [...good, keyText], says: /^A word of \d+ characters is not/ },
    "the key as a flag": { args: [...good, `--${keyText}`], says: /^Unknown option of \d+ characters/ },
    "a flag without its value": { args: [...good, "--udpPort"], says: /--udpPort/ },
    "a word too many": { args: [...good, "please"], says: /"please"/ },
  };
  for (const [what, { args, environment, says }] of Object.entries(mistakes)) {
    test(`${what}: a clear sentence, and never the secret`, () => {
      const wish = readOptions(args, { ...bare, ...environment });
      const why = wish.kind === "error" ? wish.why : wish.kind;
      expect(why).toMatch(says);
      expect(why.trim().split("\n")).toHaveLength(1);
      expect(why).not.toContain(keyText);
      expect(why).not.toContain("0123456789");
    });
  }

  test.each(["no edge", "the deployment's secret alone", "the key in a wrong place"])(
    "%s: the program says just that, names --help, and ends with exit code 1",
    async (what) => {
      const { args = [], environment, says = /$^/ } = mistakes[what] ?? {};
      const program = sidecar(args, environment);
      expect(await program.ended).toBe(1);
      expect(program.errors).toMatch(says);
      expect(program.errors.trim().split("\n")).toHaveLength(1);
      expect(program.errors).toContain("--help");
      expect(program.output).toBe(program.errors);
      expect(program.output).not.toContain(keyText);
    },
  );

  test("a port in use: a clear sentence, and exit code 1", async () => {
    const other = createSocket("udp4").bind(0);
    await once(other, "listening");
    const { port } = other.address();
    const program = sidecar([...good, "--udpPort", String(port)]);
    expect(await program.ended).toBe(1);
    expect(program.errors.trim()).toBe(
      `UDP port ${port} is in use by another program. Choose another with --udpPort.`,
    );
    other.close();
  });

  test("a second port in use: a clear sentence, and exit code 1", async () => {
    const other = createSocket("udp4").bind(0);
    await once(other, "listening");
    const { port } = other.address();
    const program = sidecar([
      ...good,
      "--udpPort",
      String(await freeUdpPort()),
      "--secondUdpPort",
      String(port),
    ]);
    expect(await program.ended).toBe(1);
    expect(program.errors.trim()).toBe(
      `UDP port ${port} is in use by another program. Choose another with --secondUdpPort.`,
    );
    other.close();
  });

  test("a metrics port in use, or an address that is not the machine's: a clear sentence, and exit code 1", async () => {
    const { port } = edge.url;
    const args = [...good, "--udpPort", String(await freeUdpPort())];
    const taken = sidecar([...args, "--metricsPort", port]);
    expect(await taken.ended).toBe(1);
    expect(taken.errors.trim()).toBe(
      `TCP port ${port} is in use by another program. Choose another with --metricsPort.`,
    );
    const elsewhere = sidecar([...args, "--metricsPort", port, "--metricsHost", "192.0.2.1"]);
    expect(await elsewhere.ended).toBe(1);
    expect(elsewhere.errors.trim()).toBe("The address of --metricsHost is not one of this machine.");
  });

  test("--help tells every option and its variable, and is no mistake", async () => {
    const program = sidecar(["--help"]);
    expect(await program.ended).toBe(0);
    for (const word of [
      ...["--edge", "--udpPort", "--secondUdpPort", "--publicHost", "--help"],
      ...["--relayRate", "--metricsPort", "--metricsHost", "--host"],
    ]) {
      expect(program.output).toContain(word);
    }
    for (const word of [
      ...["ORION_EDGE", "ORION_SIDECAR_KEY", "ORION_UDP_PORT", "ORION_SECOND_UDP_PORT", "ORION_PUBLIC_HOST"],
      ...["ORION_RELAY_RATE", "ORION_METRICS_PORT", "ORION_METRICS_HOST", "ORION_HOST"],
    ]) {
      expect(program.output).toContain(word);
    }
  });
});
