/** How long after a member was gone its host heard of it, by the way it went. */
import { membershipsOf } from "../kit/memberships.ts";
import type { Player } from "../kit/player.ts";
import type { Parting } from "./board.ts";

export type Departures = {
  take(players: readonly Player[], partings: readonly Parting[]): void;
  lines(): string[];
};

export function departures(): Departures {
  const noticed = new Map<Parting["how"], Map<Parting, number>>();
  return {
    take: (players, partings) => {
      const hosts = players.flatMap((player) =>
        membershipsOf(player).memberships.filter(({ answer }) => answer?.opening),
      );
      for (const parting of partings) {
        const ms = noticedAfter(parting, hosts);
        if (ms === null) continue;
        const times = noticed.get(parting.how) ?? new Map<Parting, number>();
        noticed.set(parting.how, times.set(parting, ms));
      }
    },
    lines: () =>
      [...noticed].map(([how, times]) => {
        const sorted = [...times.values()].sort((a, b) => a - b);
        const at = (share: number) => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0);
        return `a departure is noticed (${how}): median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms, of ${sorted.length}`;
      }),
  };
}

type Membership = ReturnType<typeof membershipsOf>["memberships"][number];

function noticedAfter({ player, at }: Parting, hosts: readonly Membership[]): number | null {
  const last = membershipsOf(player).memberships.at(-1);
  if (!last?.answer || last.answer.opening || last.end?.how !== "socket") return null;
  const { name } = last.answer;
  const host = hosts.find(({ lobbyId, end }) => lobbyId === last.lobbyId && !end);
  const told = host?.heard.find(
    (heard) =>
      heard.at >= at &&
      heard.message.method === "lobby_peerDisconnect" &&
      heard.message.payload.peerName === name,
  );
  return told ? told.at - at : null;
}
