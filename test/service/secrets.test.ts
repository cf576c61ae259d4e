import { afterAll, beforeAll, expect, test } from "vitest";
import { type Answer, lobbyOf, Player, post, request, rollCall } from "../../measure/kit/player.ts";
import { type Program, root, startProgram } from "../../measure/kit/program.ts";

let program: Program;
let url: URL;
beforeAll(async () => {
  const options = ["--host", "127.0.0.1", "--httpPort", "0", "--udpPort", "0"];
  program = startProgram(process.execPath, [`${root}local/start.ts`, ...options]);
  const address = /HTTP and WebSocket +(http:\S+)\s/;
  await program.prints(address);
  url = new URL(address.exec(program.output)?.[1] ?? "");
});
afterAll(() => program.stop());

/** What makes a token a secret. */
const mac = ({ token }: Player) => token.split(".")[2] ?? "";

for (const direct of [false, true]) {
  test(`nobody but its owner ever sees a token: no player, no answer, no log (${direct ? "direct" : "plain"})`, async () => {
    const { lobbyId, host, guests, all } = await lobbyOf(4, url, { direct, isPublic: true, maxMembers: 5 });
    const [first, second, third] = guests;
    if (!first || !second || !third) throw new Error("too few guests");
    const loner = await Player.connect(url);
    const answers: Answer[] = [
      await request(url, "/lobbies"),
      await host.host(),
      await loner.host({ maxMembers: 65 }),
      await loner.join(lobbyId, "Guest 1"),
      await loner.join(lobbyId, "Loner"),
      await first.start(lobbyId),
      await request(url, `/lobbies?token=${host.token}`),
      await request(url, `/${host.token}`),
      await request(url, `/lobbies/${host.token}/join`, { method: "PUT" }),
      await post(url, `/lobbies/${host.token}/join`, { token: first.token, peerName: first.token }),
      await post(url, "/lobbies", `{"token":"${host.token}"`),
      await post(url, "/lobbies", { token: `${host.token}x` }),
      await post(url, "/sidecar/observations", { token: host.token }),
    ];
    for (const player of all) await rollCall(lobbyId, player, ...all);
    first.say("lobby_messaging_send", { lobbyId, message: 7 });
    first.socket.send(`${first.token}:${first.token}`);
    answers.push(await host.start(lobbyId));
    await first.hears("ptpMediation_peersConnection_start");
    second.socket.send(second.token.repeat(1000));
    third.vanish();
    await host.hears("ptpMediation_aborted");
    await host.hears("lobby_peerDisconnect", 2);
    answers.push(await third.host(), await second.start(lobbyId), await host.start(lobbyId));
    await host.hears("ptpMediation_peersConnection_start", 2);
    for (const player of [host, first, loner]) player.reportsSuccess();
    for (const player of [host, first, loner]) await player.hears("lobby_closed");

    const everybody = [...all, loner];
    const told = everybody.flatMap(({ heard }) =>
      heard.filter(({ method }) => method !== "client_registered"),
    );
    const seen = [...answers.map(({ text }) => text), ...told.map((message) => JSON.stringify(message))].join(
      "\n",
    );
    expect(seen).toContain("lobby_closed");
    for (const player of everybody) {
      expect(JSON.stringify(player.all("client_registered"))).toContain(mac(player));
      expect(seen).not.toContain(mac(player));
      expect(program.output).not.toContain(mac(player));
    }
  });
}
