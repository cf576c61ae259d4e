import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { sweep } from "../../local/sweep.ts";

test("the sweep takes empty databases that nobody uses, and no others", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sweep-"));
  const lobbies = join(folder, "orion-edge-Lobby");
  await mkdir(lobbies);
  const put = async (name: string, bytes: number, seconds: number) => {
    await writeFile(join(lobbies, name), Buffer.alloc(bytes));
    await utimes(join(lobbies, name), seconds, seconds);
  };
  await put("empty-and-old.sqlite", 4096, 1_000);
  await put("used.sqlite", 12_288, 1_000);
  await put("empty-but-open.sqlite", 4096, 1_000);
  await put("empty-but-open.sqlite-shm", 32_768, 1_000);
  await put("empty-but-new.sqlite", 4096, 3_000);
  await put("metadata.sqlite", 4096, 1_000);

  expect(await sweep(folder, 2_000_000)).toBe(1);
  expect((await readdir(lobbies)).sort()).toEqual([
    "empty-but-new.sqlite",
    "empty-but-open.sqlite",
    "empty-but-open.sqlite-shm",
    "metadata.sqlite",
    "used.sqlite",
  ]);
  await rm(folder, { recursive: true });
});
