import { readdirSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { openBag } from "../../../src/bags/index.js";
import { makeBag, sha256, temporaryFolder } from "../../support/bags.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

const frames = 30;

async function read(path: string, between?: (messages: number) => void) {
  const bag = await openBag(path);
  const digests: string[] = [];
  for await (const { topic, logTime, data } of bag.messages()) {
    digests.push(`${topic} ${logTime} ${sha256(data)}`);
    between?.(digests.length);
  }
  const damage = [...bag.damage];
  await bag.close();
  return { digests, damage };
}

it.each([
  "--library rosbags --storage sqlite3",
  "--library mcap --compression none",
  "--library mcap --compression lz4",
  "--library mcap --compression zstd",
])("a bag (%s) that is cut off while it is read gives what is left, and says so", async (args) => {
  const made = makeBag(join(folder.path, args.replaceAll(/\W+/g, "-")), `${args} --frames ${frames} --noise`);
  const inside = statSync(made.path).isDirectory() ? readdirSync(made.path) : [];
  const name = inside.find((file) => file.endsWith(".db3"));
  const file = name === undefined ? made.path : join(made.path, name);
  const whole = await read(made.path);
  expect(whole.damage).toEqual([]);
  const { digests, damage } = await read(made.path, (messages) => {
    if (messages === 9) truncateSync(file, Math.round(statSync(file).size / 2));
  });
  expect(damage.join("; ")).toMatch(/shorter|file ends|absurd|damaged/);
  expect(digests.length).toBeGreaterThanOrEqual(9);
  expect(digests.length).toBeLessThan(whole.digests.length);
  // What is handed out is as it was recorded.
  expect(digests.filter((digest) => !whole.digests.includes(digest))).toEqual([]);
});
