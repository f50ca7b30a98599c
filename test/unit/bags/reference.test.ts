import { statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  openBag,
  recordedJointStates,
  recordedQueries,
  recordedTransforms,
  rgbdFrames,
} from "../../../src/bags/index.js";
import {
  collect,
  colourTopic,
  depthDigest,
  depthTopic,
  makeBag,
  sha256,
  temporaryFolder,
} from "../../support/bags.js";
import { haveShared } from "../../support/shared.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** Every storage and compression that the two Python libraries write. */
const kinds = [
  "--library mcap --compression none",
  "--library mcap --compression zstd",
  "--library mcap --compression lz4",
  "--library mcap --compression none --no-chunks",
  "--library mcap --compression zstd --no-index",
  "--library mcap --compression none --no-index --no-chunks",
  "--library mcap --compression zstd --definitions ros2idl",
  "--library rosbags --storage mcap --compression none",
  "--library rosbags --storage mcap --compression storage",
  "--library rosbags --storage mcap --compression message",
  "--library rosbags --storage mcap --compression file",
  "--library rosbags --storage sqlite3 --compression none",
  "--library rosbags --storage sqlite3 --compression message",
  "--library rosbags --storage sqlite3 --compression file",
];

describe.runIf(haveShared())("bags that other libraries made of a real frame", () => {
  it.each(kinds)("%s: every message, pixel and depth is what went in", async (args) => {
    const name = args.replace(/[^a-z0-9]+/g, "_");
    const made = makeBag(join(folder.path, args.includes("library mcap") ? `${name}.mcap` : name), args);
    const bag = await openBag(made.path);
    try {
      expect(bag.damage).toEqual([]);
      expect(bag.startTime).toBe(BigInt(made.start));
      expect(bag.endTime).toBe(BigInt(made.end));
      expect(bag.topics.find(({ name }) => name === colourTopic)).toMatchObject({
        type: "sensor_msgs/msg/Image",
        count: made.frames,
      });

      let count = 0;
      let last = 0n;
      for await (const message of bag.messages()) {
        count++;
        expect(message.logTime >= last).toBe(true);
        last = message.logTime;
      }
      expect(count).toBe(made.messages);

      const frames = await rgbdFrames(bag);
      expect(frames.topics).toEqual({
        colour: colourTopic,
        depth: depthTopic,
        cameraInfo: "/camera/color/camera_info",
        // Of the same frame: aligned depth has no camera info of its own in these bags.
        depthInfo: "/camera/color/camera_info",
      });
      const stamps: bigint[] = [];
      for await (const handle of frames) {
        const frame = await handle.load();
        if (stamps.length === 0) {
          expect(sha256(frame.colour.data)).toBe(made.first_colour_sha256);
          const { fx, fy, cx, cy } = made.intrinsics;
          expect(frame.camera).toEqual({ width: made.width, height: made.height, fx, fy, cx, cy });
        }
        expect(frame.colour.data[0]).toBe(stamps.length);
        expect(depthDigest(frame)).toBe(made.depth_mm_sha256);
        expect(frame.frameId).toBe("camera_color_optical_frame");
        stamps.push(handle.stamp);
      }
      expect(stamps).toEqual([0n, 33_333_333n, 66_666_666n].map((t) => 1_700_000_000_000_000_000n + t));
      expect(frames.counts).toMatchObject({ frames: 3, withoutDepth: 0, unpairedDepth: 0, undecodable: 0 });

      const queries = await collect(recordedQueries(bag));
      expect(queries.map(({ text }) => text)).toEqual(["the blue mug, синяя кружка"]);
      const joints = await collect(recordedJointStates(bag));
      expect(joints).toHaveLength(3);
      expect(Array.from(joints[0]!.message.position)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
      const transforms = await collect(recordedTransforms(bag));
      expect(transforms[0]!.message.transforms[0]!.transform.translation).toEqual({
        x: 0.1,
        y: -0.2,
        z: 0.3,
      });
    } finally {
      await bag.close();
    }
  });

  it.each(["--library mcap --compression zstd", "--library rosbags --storage sqlite3 --compression none"])(
    "%s: seeks by time and topic",
    async (args) => {
      const made = makeBag(join(folder.path, `seek_${args.length}.mcap`), `${args} --frames 20`);
      const bag = await openBag(made.path);
      const from = BigInt(made.start) + 300_000_000n;
      const to = BigInt(made.start) + 400_000_000n;
      const times = [];
      for await (const { topic, logTime } of bag.messages({ topics: [colourTopic], from, to })) {
        expect(topic).toBe(colourTopic);
        times.push(logTime);
      }
      expect(times).toHaveLength(3);
      expect(times.every((time) => time >= from && time <= to)).toBe(true);
      const frames = await collect(await rgbdFrames(bag, { from, to }));
      expect(frames.map(({ logTime }) => logTime)).toEqual(times);
      await bag.close();
    },
  );

  it("pairs depth that comes 15 ms late, and not depth that comes 40 ms late", async () => {
    const args = "--library mcap --compression none --rate 10 --frames 40 --depth-offset-ms";
    const near = await openBag(makeBag(join(folder.path, "near.mcap"), `${args} 15`).path);
    const source = await rgbdFrames(near);
    const handles = await collect(source);
    expect(handles).toHaveLength(40);
    expect(handles.every(({ depthTopic }) => depthTopic !== undefined)).toBe(true);
    await near.close();

    const far = await openBag(makeBag(join(folder.path, "far.mcap"), `${args} 40`).path);
    await expect(collect(await rgbdFrames(far))).rejects.toMatchObject({
      code: "BAG_NOTHING_PAIRED",
    });
    expect(await collect(await rgbdFrames(far, { tolerance: 0.05 }))).toHaveLength(40);
    expect(await collect(await rgbdFrames(far, { depth: false }))).toHaveLength(40);
    await far.close();
  });

  it("reads the whole messages of an uncompressed chunk that was cut off", async () => {
    const path = join(folder.path, "cut.mcap");
    makeBag(path, "--library mcap --compression none --frames 6 --chunk-size 100000000");
    truncateSync(path, Math.trunc(statSync(path).size * 0.8));
    const bag = await openBag(path);
    expect(bag.damage).toHaveLength(3);
    expect(bag.damage.join("\n")).toMatch(
      /index.*\n.*cut off; its whole messages are used\n.*stopped at byte/s,
    );
    const handles = await collect(await rgbdFrames(bag));
    expect(handles.length).toBeGreaterThanOrEqual(4);
    expect((await handles[3]!.load()).colour.data[0]).toBe(3);
    await bag.close();
  });

  it("hands out colour without depth where depth is missing, and counts it", async () => {
    const args = "--library mcap --compression none --frames 9 --skip-depth 3";
    const bag = await openBag(makeBag(join(folder.path, "sparse.mcap"), args).path);
    const source = await rgbdFrames(bag);
    const handles = await collect(source);
    expect(handles.map(({ depthTopic }) => depthTopic !== undefined)).toEqual(
      [0, 1, 2, 3, 4, 5, 6, 7, 8].map((i) => i % 3 === 0),
    );
    expect(source.counts).toMatchObject({ frames: 9, withoutDepth: 6, unpairedDepth: 0 });
    await bag.close();
  });
});
