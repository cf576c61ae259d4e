/** A server aborts a start while the SDK still looks up a name that it said. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { connect } from "../../client/index.ts";
import { handmadeServer } from "./handmade-server.ts";

const unheard: unknown[] = [];
const keep = (error: unknown) => unheard.push(error);
beforeEach(() => void process.on("unhandledRejection", keep));
afterEach(() => void process.off("unhandledRejection", keep));

test("a start that is aborted while a relay's name is looked up ends as aborted, and the game goes on", async () => {
  const server = await handmadeServer();
  const there = await connect(server.url);
  const bo = await there.join("AAAAA", { name: "Bo" });
  const started = bo.started();
  started.catch(() => {});
  server.send("ptpMediation_send", {
    ...{ port: 9, ports: [9, 9], mediation: "one", host: "127.0.0.1" },
    ...{ pass: "a pass", passKey: "its key" },
  });
  bo.on("introduced", () => {
    setImmediate(() => server.send("ptpMediation_aborted", { abortReason: "Why not?", code: "member_left" }));
  });
  const link = { id: "0123456789ab", key: "AAAAAAAAAAAAAAAAAAAAAA", side: "b" };
  const relay = { host: "relay.invalid", port: 9, ticket: "t", key: "k" };
  const peers = [{ name: "Ada", clientId: "a", ip: "127.0.0.1", port: 9, link, relay }];
  server.send("ptpMediation_peersConnection_start", { peers });
  await expect(started).rejects.toMatchObject({ code: "member_left" });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(unheard).toEqual([]);
  await bo.leave();
});
