import {
  copyFileSync,
  createReadStream,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { HttpSource } from "../../../src/bags/http.js";
import { bagName, openBag, ResultWriter } from "../../../src/bags/index.js";
import { makeBag, sha256, temporaryFolder } from "../../support/bags.js";
import { type RangeServer, type RangeServerOptions, rangeServer } from "../../support/range-server.js";
import { haveShared } from "../../support/shared.js";

const folder = temporaryFolder();
let server: RangeServer | undefined;
afterAll(() => folder.remove());
afterEach(async () => {
  await server?.close();
  server = undefined;
});
const serve = async (options: Omit<RangeServerOptions, "folder"> = {}): Promise<RangeServer> => {
  server = await rangeServer({ folder: folder.path, ...options });
  return server;
};

const start = 1_700_000_000_000_000_000n;
const messages = 60;

/** 12 MB that do not compress, in chunks of a megabyte. */
beforeAll(async () => {
  const writer = await ResultWriter.create(join(folder.path, "bag.mcap"));
  let state = 1;
  for (let i = 0; i < messages; i++) {
    const data = new Uint8Array(200_000);
    for (let k = 0; k < data.length; k++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
      data[k] = state >>> 16;
    }
    const time = { stamp: start + BigInt(i) * 1_000_000_000n, frameId: "camera" };
    await writer.message("/camera/compressed", "sensor_msgs/msg/CompressedImage", time, {
      header: { stamp: { sec: i, nanosec: 0 }, frame_id: "camera" },
      format: "jpeg",
      data,
    });
  }
  await writer.close();
});

async function digest(target: string, query = {}): Promise<{ count: number; hash: string; damage: number }> {
  const bag = await openBag(target);
  const hashes: string[] = [];
  for await (const { logTime, data } of bag.messages(query)) hashes.push(`${logTime} ${sha256(data)}`);
  const damage = bag.damage.length;
  await bag.close();
  return { count: hashes.length, hash: sha256(Buffer.from(hashes.join("\n"))), damage };
}

describe("a bag in object storage", () => {
  it("is read by ranges as the file is; a seek fetches what it needs", async () => {
    const { url, bytes } = await serve();
    const here = await digest(join(folder.path, "bag.mcap"));
    expect(here).toMatchObject({ count: messages, damage: 0 });
    expect(await digest(`${url}/bag.mcap?X-Amz-Signature=secret`)).toEqual(here);
    const { size } = statSync(join(folder.path, "bag.mcap"));
    expect(bytes()).toBeLessThan(size * 1.5);

    const before = bytes();
    const from = start + 30_000_000_000n;
    const part = await digest(`${url}/bag.mcap`, { from, to: from + 2_000_000_000n });
    expect(part.count).toBe(3);
    expect(bytes() - before).toBeLessThan(size / 2);
  });

  it("is read whole although connections drop and the server is overloaded now and then", async () => {
    const here = await digest(join(folder.path, "bag.mcap"));
    const file = join(folder.path, "bag.mcap");
    let dropped = 0;
    const { url, requests } = await serve({
      meddle: (n, request, response) => {
        if (n % 3 === 1) {
          response.writeHead(503).end();
          return true;
        }
        const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? "");
        if (n % 3 !== 2 || range === null) return false;
        const [from, to] = [Number(range[1]), Math.min(Number(range[2]), statSync(file).size - 1)];
        const length = to - from + 1;
        response.writeHead(206, {
          "content-range": `bytes ${from}-${to}/${statSync(file).size}`,
          "content-length": length,
          etag: '"one"',
        });
        dropped++;
        createReadStream(file, { start: from, end: from + Math.max(0, Math.trunc(length / 2) - 1) })
          .on("data", (chunk) => response.write(chunk))
          .on("end", () => setTimeout(() => response.destroy(), 20));
        return true;
      },
    });
    expect(await digest(`${url}/bag.mcap`)).toEqual(here);
    expect(dropped).toBeGreaterThan(2);
    expect(requests.length).toBeGreaterThan(8);
  });

  it("asks again from where a connection broke", async () => {
    const { url, requests } = await serve({
      meddle: (n, _request, response) => {
        if (n !== 1) return false;
        response.writeHead(206, { "content-range": "bytes 0-99/1000", "content-length": 100 });
        response.write(readFileSync(join(folder.path, "bag.mcap")).subarray(0, 40));
        setTimeout(() => response.destroy(), 20);
        return true;
      },
    });
    writeFileSync(join(folder.path, "short"), readFileSync(join(folder.path, "bag.mcap")).subarray(0, 100));
    const source = await HttpSource.open(`${url}/short`, { pauseMs: 1 });
    const bytes = await source.read(0, 100);
    expect(Buffer.from(bytes).equals(readFileSync(join(folder.path, "short")))).toBe(true);
    expect(requests).toEqual(["bytes=0-0", "bytes=0-99", "bytes=40-99"]);
    await source.close();
  });

  it("that is replaced meanwhile is not mixed with the new one", async () => {
    let version = 0;
    const { url } = await serve({ etag: () => `"${version}"` });
    const source = await HttpSource.open(`${url}/bag.mcap`, { pauseMs: 1 });
    await source.read(0, 8);
    version++;
    await expect(source.read(5_000_000, 8)).rejects.toMatchObject({
      code: "BAG_UNREACHABLE",
      message: expect.stringContaining("replaced"),
    });
  });

  it.each([
    ["that is not there", { meddle: undefined }, "/nowhere.mcap", "BAG_MISSING"],
    ["of a server without ranges", { ranges: false }, "/bag.mcap", "BAG_UNREACHABLE"],
    [
      "whose link has expired",
      {
        meddle: (_n: number, _q: IncomingMessageLike, response: ResponseLike) => {
          response.writeHead(403).end();
          return true;
        },
      },
      "/bag.mcap",
      "BAG_UNREACHABLE",
    ],
  ])("%s is refused in one line without the link's signature", async (_, options, path, code) => {
    const { url } = await serve(options as never);
    const failure = await openBag(`${url}${path}?X-Amz-Signature=secret`).catch((error) => error);
    expect(failure).toMatchObject({ code });
    expect(failure.message).not.toContain("secret");
  });

  it("that goes away while it is read is a failure, not a damaged bag", async () => {
    let gone = false;
    const { url } = await serve({
      meddle: (_n, _request, response) => {
        if (gone) response.writeHead(403).end();
        return gone;
      },
    });
    const bag = await openBag(`${url}/bag.mcap`);
    gone = true;
    const read = async () => {
      for await (const _ of bag.messages());
    };
    await expect(read()).rejects.toMatchObject({ code: "BAG_UNREACHABLE" });
    await bag.close();
  });

  it("that is split is found by its metadata.yaml", async () => {
    mkdirSync(join(folder.path, "split"));
    for (const name of ["split_0.mcap", "split_1.mcap"])
      copyFileSync(join(folder.path, "bag.mcap"), join(folder.path, "split", name));
    writeFileSync(
      join(folder.path, "split", "metadata.yaml"),
      "rosbag2_bagfile_information:\n  relative_file_paths:\n    - split_0.mcap\n    - split_1.mcap\n    - split_2.mcap\n",
    );
    const { url } = await serve();
    const bag = await openBag(`${url}/split/`);
    expect(bag.damage).toEqual(["split_2.mcap is lost: the file is missing"]);
    expect(bag.topics[0]?.count).toBe(2 * messages);
    await bag.close();
  });

  it("is named in results by its file alone", () => {
    expect(bagName("https://bucket.example/runs/a%20b.mcap?X-Amz-Signature=secret")).toBe("a b.mcap");
    expect(bagName("/data/run1")).toBe("run1");
  });
});

type IncomingMessageLike = unknown;
interface ResponseLike {
  writeHead(status: number): { end(): void };
}

describe.runIf(haveShared())("a bag that cannot be read by ranges", () => {
  const temporary = join(folder.path, "temporary");
  const fetched = () => readdirSync(temporary).length;
  beforeEach(() => {
    mkdirSync(temporary, { recursive: true });
    vi.stubEnv("TMPDIR", temporary);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it.each([
    ["--storage sqlite3 --compression none", ".db3"],
    ["--storage mcap --compression file", ".mcap.zstd"],
  ])("%s: is fetched, read as the file is, and removed when it is closed", async (args, ending) => {
    const made = join(folder.path, `rosbags${ending.replaceAll(".", "-")}`);
    makeBag(made, `--library rosbags ${args} --frames 2`);
    const name = readdirSync(made).find((each) => each.endsWith(ending))!;
    const { url, requests } = await serve();
    const bag = await openBag(`${url}/${made.slice(folder.path.length + 1)}/${name}`);
    expect(fetched()).toBeGreaterThan(0);
    let count = 0;
    for await (const _ of bag.messages()) count++;
    await bag.close();
    expect(fetched()).toBe(0);
    expect(count).toBe((await digest(join(made, name))).count);
    expect(requests.length).toBeGreaterThan(0);
    await expect(openBag(`${url}/none${ending}`)).rejects.toThrow(/no such bag/);
    expect(fetched()).toBe(0);
  });
});
