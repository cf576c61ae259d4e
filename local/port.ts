import { createServer } from "node:net";

/** Rejects, with the system's error, if no server can listen there. */
export function tryPort(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen({ port, host, exclusive: true }, () => probe.close(() => resolve()));
  });
}

/** Why a port cannot be had, for the person who chose it with `flag`. */
export function portSentence(kind: string, port: number, flag: string, error: NodeJS.ErrnoException): string {
  if (error.code === "EADDRINUSE") {
    return `${kind} port ${port} is in use by another program. Choose another with ${flag}.`;
  }
  if (error.code === "EADDRNOTAVAIL") return "The address of --host is not one of this machine.";
  return `${kind} port ${port} cannot be used: ${error.code ?? error.message}.`;
}
