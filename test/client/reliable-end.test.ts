/** Our end of a link's reliable stream, with a peer that is the test. */
import { expect, test } from "vitest";
import { ReliableEnd } from "../../client/link/reliable-end.ts";
import { readReliablePacket, writeAcknowledgement } from "../../core/reliable/packet.ts";

test("thousands of sends that nobody awaits cost little, however slowly the peer acknowledges them", async () => {
  const sent: Uint8Array[] = [];
  const end = new ReliableEnd({
    transmit: (packet) => sent.push(packet),
    received: () => {},
    isFull: () => false,
    broken: () => {},
    now: () => performance.now(),
  });
  const count = 20_000;
  let done = 0;
  for (let i = 0; i < count; i++) void end.send(Uint8Array.of(1)).then(() => done++);
  const all = end.delivered();
  // Of the processor: the machine may be busy with other things.
  const before = process.cpuUsage();
  // Every single one by itself.
  for (let next = 1; next <= count; next++) end.hear(writeAcknowledgement(next, next, () => false));
  await all;
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(3_000);
  expect(done).toBe(count);
  const numbers = sent.flatMap((packet) => {
    const read = readReliablePacket(packet);
    return read?.kind === "segment" ? [read.number] : [];
  });
  expect(new Set(numbers).size).toBe(count);
  end.close();
  await expect(end.send(Uint8Array.of(1))).rejects.toMatchObject({ code: "link_closed" });
});
