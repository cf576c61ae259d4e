/** Cables between namespaces: a plain one is a veth pair, a long one delays and loses what goes through it. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Troubles } from "./access.ts";
import type { Namespace } from "./namespace.ts";

/** Where the kernel listens for the frames of long cables, and where `cable-program.ts` does. */
export const kernelEnd = { address: "192.0.2.1", port: 4789 };
export const programEnd = { address: "192.0.2.2", port: 4790 };

/** One end of a cable: the name that its interface gets in that namespace. */
export type CableEnd = { namespace: Namespace; device: string };

export function connectPlainly(one: CableEnd, other: CableEnd): void {
  one.namespace.ip(
    `link add name ${one.device} type veth peer name ${other.device} netns ${other.namespace.name}`,
  );
}

/** Long cables, all of which one program carries. */
export type LongCables = {
  connect(one: CableEnd, other: CableEnd, troubles: Troubles): void;
  /** Starts the program: until then nothing goes through. It ends with its namespaces, and with this process. */
  start(): Promise<void>;
};

/** The kernel hands frames for an address of its own to no program, hence a namespace for either. */
export function longCables(kernel: Namespace, program: Namespace): LongCables {
  const cables: Troubles[] = [];
  connectPlainly({ namespace: kernel, device: "to-program" }, { namespace: program, device: "to-kernel" });
  // Room for a frame with another one's headers around it.
  kernel.ip(`address add ${kernelEnd.address}/24 dev to-program`, "link set to-program mtu 9000 up");
  program.ip(`address add ${programEnd.address}/24 dev to-kernel`, "link set to-kernel mtu 9000 up");
  const connectEnd = ({ namespace: target, device }: CableEnd, network: number) => {
    const temporary = `end${network}`;
    // The frames stay with the namespace that the device was made in, wherever it is moved to.
    kernel.ip(
      `link add name ${temporary} type vxlan id ${network} local ${kernelEnd.address} dstport ${kernelEnd.port} nolearning`,
      `link set ${temporary} gso_max_segs 1`,
      `link set ${temporary} netns ${target.name} name ${device}`,
    );
    target.fdb(`append 00:00:00:00:00:00 dev ${device} dst ${programEnd.address} port ${programEnd.port}`);
  };
  return {
    connect: (one, other, troubles) => {
      const network = 2 * cables.push(troubles) - 2;
      connectEnd(one, network);
      connectEnd(other, network + 1);
    },
    start: async () => {
      if (cables.length === 0) return;
      const [command, args] = program.command(process.execPath, programPath, JSON.stringify(cables));
      const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
      await Promise.race([once(child.stdout, "data"), untimelyEnd(child)]);
      child.unref();
    },
  };
}

const programPath = fileURLToPath(new URL("cable-program.ts", import.meta.url));

async function untimelyEnd(child: ChildProcess): Promise<never> {
  const [code] = await once(child, "exit");
  throw new Error(`The long cables did not come up: exit code ${code}.`);
}
