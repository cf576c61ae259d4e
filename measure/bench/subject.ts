/** The processes that are measured: Orion Edge as `npm start` runs it, its sidecar alone, and the floors. */
import { createServer } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import * as z from "zod";
import { keyTextOf } from "../kit/secret.ts";
import { connectHttp } from "./http.ts";
import { type Launched, launch } from "./launch.ts";
import { startStandIn } from "./stand-in.ts";

/** `floor` is the Worker of a few lines, `receiver` the bare UDP socket, `forwarder` the bare relay, `ports` one with 2 000 ports, `noray` the gateway alone. */
export type SubjectName = "server" | "floor" | "sidecar" | "receiver" | "forwarder" | "ports" | "noray";

export type Subject = {
  readonly pid: number;
  /** Where it takes HTTP and WebSockets; of no meaning for those that do not. */
  readonly url: URL;
  /** Where it takes datagrams; 0 for none. */
  readonly udpPort: number;
  /** Posts of observations that a sidecar has made so far. */
  edgeRequests(): number;
  /** Rejects when the process ends without having been told to. */
  readonly failed: Promise<never>;
  stop(): Promise<void>;
};

/** Milliseconds in which the end of a process is noticed, after its connections have failed. */
const noticeMs = 1_000;

/** What `work` resolves to. If the subject ends meanwhile, that is the reason it rejects with. */
export async function whileAlive<T>(subject: Subject, work: Promise<T>): Promise<T> {
  try {
    return await Promise.race([work, subject.failed]);
  } catch (error) {
    await Promise.race([subject.failed, wait(noticeMs)]);
    throw error;
  }
}

const host = "127.0.0.1";
const nowhere = new URL("http://127.0.0.1:0");

/** A subject, once it is ready. `httpPort`, any free one without, and `args` are for the server. Rejects with a sentence. */
export async function startSubject(
  name: SubjectName,
  httpPort?: number,
  args: string[] = [],
): Promise<Subject> {
  switch (name) {
    case "server":
      return await startServer(httpPort ?? (await freePort()), args);
    case "floor":
      return await startFloor();
    case "sidecar":
      return await startSidecar();
    case "receiver":
      return await startBare("the bare receiver", "measure/bench/floor/receiver.ts");
    case "forwarder":
      return await startBare("the bare forwarder", "measure/bench/floor/forwarder.ts");
    case "ports":
      return await startBare("the forwarder with many ports", "measure/bench/floor/many-ports.ts");
    case "noray":
      return await startNoray();
  }
}

async function startServer(httpPort: number, more: string[]): Promise<Subject> {
  const udpPort = await freePort();
  // What a delivery costs shows only where nothing holds deliveries back.
  const unbounded = ["--chatDeliveriesPerSecond", `${1e9}`];
  // As on Cloudflare, where a line costs money.
  const silent = ["--logLobbies", "off"];
  const ports = ["--httpPort", `${httpPort}`, "--udpPort", `${udpPort}`];
  const args = [...ports, "--host", host, ...unbounded, ...silent, ...more];
  const program = launch("the server", "local/start.ts", { args });
  await program.prints(/is running/);
  const url = new URL(`http://${host}:${httpPort}`);
  const http = connectHttp(url);
  await http.get("/ping");
  http.close();
  return subjectOf(program, { url, udpPort });
}

async function startFloor(): Promise<Subject> {
  const program = launch("the floor's Worker", "measure/bench/floor/start.ts");
  const { url } = z.object({ url: z.url() }).parse(await program.hears("address"));
  return subjectOf(program, { url: new URL(url) });
}

async function startSidecar(): Promise<Subject> {
  const edge = await startStandIn();
  const udpPort = await freePort();
  const program = launch("the sidecar", "udp-sidecar/main.ts", {
    args: ["--edge", edge.url.href, "--udpPort", String(udpPort), "--metricsPort", "off"],
    environment: { ORION_SIDECAR_KEY: keyTextOf() },
  });
  await program.prints(/sidecar_listening/);
  await program.prints(/sidecar_accepted/);
  const subject = subjectOf(program, { udpPort, edgeRequests: edge.observationPosts });
  const stop = async () => {
    await program.stop();
    edge.stop();
  };
  return { ...subject, stop };
}

async function startBare(what: string, script: string): Promise<Subject> {
  const program = launch(what, script);
  const { udpPort } = z.object({ udpPort: z.int() }).parse(await program.hears("port"));
  return subjectOf(program, { udpPort });
}

async function startNoray(): Promise<Subject> {
  const program = launch("the gateway of noray", "measure/bench/noray-program.ts");
  const { tcp, udpPort } = z.object({ tcp: z.int(), udpPort: z.int() }).parse(await program.hears("ports"));
  return subjectOf(program, { udpPort, url: new URL(`http://${host}:${tcp}`) });
}

function subjectOf(
  { pid, failed, stop }: Launched,
  { url = nowhere, udpPort = 0, edgeRequests = () => 0 }: Partial<Subject>,
): Subject {
  return { pid, url, udpPort, edgeRequests, failed, stop };
}

/** A TCP port below those that the system gives to connections: none of the bench's own clients can be on it. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const free = await new Promise<boolean>((resolve) => {
      const probe = createServer().once("error", () => resolve(false));
      probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve(true)));
    });
    if (free) return port;
  }
}
