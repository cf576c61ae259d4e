/** Where a server listens, and whether it can. */
import { createServer } from "node:net";

/**
 * The addresses that a server listens on for a `--host`: `::` stands for every IPv4 and IPv6 address, `localhost` for
 * both loopback addresses. Addresses of IPv6 are left out of both where the system has no IPv6.
 */
export async function addressesOf(host: string): Promise<string[]> {
  if (host === "::") return (await hasAddress("::")) ? ["::"] : ["0.0.0.0"];
  if (host === "localhost") return (await hasAddress("::1")) ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
  return [host];
}

/** The port that a server could have there: a free one for 0. Rejects, with the system's error, if there is none. */
export function tryPort(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ port, host, exclusive: true }, () => {
      const address = probe.address();
      const bound = typeof address === "object" ? address?.port : undefined;
      probe.close(() => resolve(bound ?? port));
    });
  });
}

/** Why a port cannot be had, for the person who chose it with `flag`. */
export function portSentence(kind: string, port: number, flag: string, error: NodeJS.ErrnoException): string {
  if (error.code === "EADDRINUSE") {
    return `${kind} port ${port} is in use by another program. Choose another with ${flag}.`;
  }
  if (error.code === "EADDRNOTAVAIL" || error.code === "EAFNOSUPPORT") {
    return "The address of --host is not one of this machine.";
  }
  return `${kind} port ${port} cannot be used: ${error.code ?? error.message}.`;
}

async function hasAddress(address: string): Promise<boolean> {
  return await tryPort(0, address).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) =>
      code !== "EAFNOSUPPORT" && code !== "EADDRNOTAVAIL" && code !== "EINVAL",
  );
}
