/** What the lab asks of the machine. */
import { mayHaveGodot4 } from "../kit/godot4.ts";
import { chromiumHere } from "./chromium.ts";
import { type ClientKind, hasGodot, hasPages } from "./clients.ts";
import { closeNamespaces, newGroup, openNamespace } from "./namespace.ts";

/**
 * Why this machine cannot run the lab with these clients, in a sentence, or null if it can. It tries: root alone is not enough in a
 * container that was not given the right, or with a kernel without NAT or VXLAN.
 */
export function whyNoLab(kind: ClientKind = "orion"): string | null {
  if (process.platform !== "linux") return "The lab needs Linux: its NATs are network namespaces.";
  if (process.getuid?.() !== 0) return "The lab needs root: it makes network namespaces.";
  if (hasPages(kind) && chromiumHere() === undefined) return "The lab's pages need Chromium.";
  if (hasGodot(kind) && !mayHaveGodot4)
    return "The lab's players in Godot need debootstrap, which installs Godot 4.";
  const name = `${newGroup()}try`;
  try {
    const namespace = openNamespace(name);
    namespace.rules(
      "table ip nat { chain leaving { type nat hook postrouting priority 100; masquerade; }; }",
    );
    namespace.ip("link add name try type vxlan id 1 dstport 4789");
    return null;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    return `The lab needs ip and bridge (iproute2), nft (nftables) and the right to use them: ${said.split("\n")[0]}`;
  } finally {
    closeNamespaces([name]);
  }
}
