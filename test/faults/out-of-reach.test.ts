import { expect, test } from "vitest";
import { lobbyOf, Player } from "../support/player.ts";
import { crash, setFault, startFaultyServer } from "../support/server.ts";

test("a lobby that crashes while it closes goes on closing when somebody speaks to it", async () => {
  const server = await startFaultyServer();
  try {
    const { lobbyId, host, guests } = await lobbyOf(2, server.url, { isPublic: true });
    const [guest] = guests;
    await setFault(server.url, "unlisting", "900");
    await host.leave();
    await guest?.settled();
    await crash(server.url, { home: host.home });
    await setFault(server.url, "unlisting", "");
    guest?.chat(lobbyId, "Anyone?");
    await guest?.hears("lobby_closed");
    expect((await guest?.host())?.status).toBe(201);
  } finally {
    await server.stop();
  }
});

test("players get in although the home that is being filled fails", async () => {
  const server = await startFaultyServer();
  try {
    const first = await Player.connect(server.url);
    await setFault(server.url, "home", first.home);
    for (let i = 0; i < 5; i++) expect((await Player.connect(server.url)).home).not.toBe(first.home);
  } finally {
    await server.stop();
  }
});

test("a join that failed does not throw out the one that then succeeds", async () => {
  const server = await startFaultyServer();
  try {
    const { lobbyId, host } = await lobbyOf(1, server.url);
    const guest = await Player.connect(server.url);
    await setFault(server.url, "lobbies", "all");
    expect((await guest.join(lobbyId, "Guest")).status).toBe(503);
    await setFault(server.url, "lobbies", "");
    expect((await guest.join(lobbyId, "Guest")).status).toBe(200);
    // The seat that the failed join gave back comes before this in the same line.
    guest.chat(lobbyId, "Still here");
    await host.hears("lobby_messaging_received");
    expect(host.methods).toEqual(["lobby_peerConnect", "lobby_messaging_received"]);
  } finally {
    await server.stop();
  }
});
