import { createReadStream } from "node:fs";
import { basename } from "node:path";
import { Command } from "commander";
import { type BagReader, openBag, ResultWriter } from "../bags/index.js";
import { GraspGroundingError, usage } from "../errors/index.js";
import { fileSize, JsonLines, linesPart } from "../replay/json-lines.js";
import { named, outputFile } from "../system/index.js";

/** `merge`: joins the results of a replay's shards into the file that one run writes. */
export function mergeCommand(): Command {
  return new Command("merge")
    .description("put the results of a replay's shards together: byte for byte what one run writes")
    .argument("<out>", ".jsonl or .mcap file to write")
    .argument("<shards...>", "the shards' files; those named with {shard} in any order, others in theirs")
    .action(async (out: string, shards: readonly string[]) => {
      named("<out>", () => outputFile(".mcap", ".jsonl", ".json", ".ndjson")(out));
      const ordered = orderShards(out, shards);
      await (/\.mcap$/.test(out) ? mergeBags(out, ordered) : mergeLines(out, ordered));
      process.stdout.write(`${out}: ${ordered.length} shards\n`);
    });
}

const place = /(\d+)-of-(\d+)/;

/**
 * Shards in the order of the numbers in their names, where there are any. @throws GraspGroundingError
 * SHARDS_INCOMPLETE, USAGE
 */
export function orderShards(out: string, shards: readonly string[]): readonly string[] {
  if (shards.includes(out)) throw usage(`${out} is one of the shards`);
  const numbered = shards.map((path) => {
    const found = place.exec(basename(path));
    return { path, index: Number(found?.[1] ?? -1), count: Number(found?.[2] ?? -1) };
  });
  if (numbered.some(({ index }) => index < 0)) return shards;
  const count = numbered[0]!.count;
  if (numbered.some((one) => one.count !== count))
    throw new GraspGroundingError("SHARDS_INCOMPLETE", { path: out, detail: "shards of different runs" });
  const missing = Array.from({ length: count }, (_, i) => i).filter(
    (i) => numbered.filter(({ index }) => index === i).length !== 1,
  );
  if (missing.length > 0) {
    const named = missing.slice(0, 5).map((i) => `${i}-of-${count}`);
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : "";
    const detail = `not once each: ${named.join(", ")}${more}`;
    throw new GraspGroundingError("SHARDS_INCOMPLETE", { path: out, detail });
  }
  return [...numbered].sort((a, b) => a.index - b.index).map(({ path }) => path);
}

async function mergeLines(out: string, shards: readonly string[]): Promise<void> {
  for (const path of shards) await checkShard(out, path);
  const lines = await JsonLines.open(out);
  try {
    for (const path of shards) {
      let end = "\n";
      for await (const text of createReadStream(path, { encoding: "utf8" }) as AsyncIterable<string>) {
        await lines.write(text);
        end = text.at(-1) ?? end;
      }
      if (end !== "\n")
        throw new GraspGroundingError("SHARDS_INCOMPLETE", {
          path: out,
          detail: `${path} ends within a line`,
        });
    }
    await lines.close();
  } catch (error) {
    await lines.abort();
    throw error;
  }
}

async function checkShard(out: string, path: string): Promise<void> {
  if ((await fileSize(linesPart(path))) > 0)
    throw new GraspGroundingError("SHARDS_INCOMPLETE", { path: out, detail: `${path} is not done` });
  const stream = createReadStream(path, { end: 0 });
  await new Promise<void>((resolve, reject) => {
    stream.once("error", () => reject(new GraspGroundingError("FILE_MISSING", { path })));
    stream.once("open", () => resolve());
  });
  stream.destroy();
}

/** Messages of all shards, one after the other. */
async function mergeBags(out: string, shards: readonly string[]): Promise<void> {
  const writer = await ResultWriter.create(out);
  let bag: BagReader | undefined;
  try {
    for (const path of shards) {
      bag = await openBag(path);
      const topics = new Map(bag.topics.map((topic) => [topic.name, topic]));
      for await (const message of bag.messages()) await writer.copy(message, topics.get(message.topic)!);
      if (bag.damage.length > 0) {
        const detail = `${path}: ${bag.damage[0]}`;
        throw new GraspGroundingError("SHARDS_INCOMPLETE", { path: out, detail });
      }
      await bag.close();
      bag = undefined;
    }
    await writer.close();
  } catch (error) {
    await bag?.close();
    await writer.abort();
    throw error;
  }
}
