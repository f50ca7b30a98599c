import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, describe, expect, it } from "vitest";
import { openBag, ResultWriter, rgbdFrames } from "../../../src/bags/index.js";
import { maskFromBox } from "../../../src/geometry/index.js";
import { headerOf } from "../../../src/messages/index.js";
import { annotationsMessage } from "../../../src/visualization/index.js";
import { collect, makeBag, sha256, temporaryFolder } from "../../support/bags.js";
import { runPython } from "../../support/python.js";
import { haveShared } from "../../support/shared.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());

interface Row {
  readonly topic: string;
  readonly type: string;
  readonly time: string;
  // biome-ignore lint/suspicious/noExplicitAny: what a peer decoded; the assertions say what it is
  readonly message: any;
}

const time = { stamp: 1_700_000_000_123_456_789n, frameId: "camera_color_optical_frame" };
const box = [10, 20, 50, 80] as const;
const label = "синяя кружка 🫖";

async function writeResults(path: string): Promise<Uint8Array> {
  const jpeg = await sharp({ create: { width: 64, height: 48, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();
  const writer = await ResultWriter.create(path);
  const found = [{ box, score: 0.75, label, id: "1" }];
  const pose = { position: [0.1, -0.2, 0.5], orientation: [0, 0, 0.6, 0.8] } as const;
  await Promise.all([
    writer.detections(time, found),
    writer.annotations(time, annotationsMessage(headerOf(time.stamp, time.frameId), found)),
    writer.mask(time, maskFromBox(64, 96, box)),
    writer.grasps(time, [pose]),
    writer.overlay(time, jpeg, "jpeg"),
    writer.markers(time, { markers: [] }),
  ]);
  await writer.close();
  return jpeg;
}

describe("results written as MCAP", () => {
  it.each(["mcap", "rosbags"])("are read back by PyPI %s as what they are", async (library) => {
    const path = join(folder.path, `results-${library}.mcap`);
    const jpeg = await writeResults(path);
    const rows = JSON.parse(runPython("test/reference/read_bag.py", ["--library", library, path])) as Row[];
    const byTopic = new Map(rows.map((row) => [row.topic.replace("/grasp_grounding/", ""), row]));
    expect([...byTopic.keys()].sort()).toEqual(
      ["annotations", "detections", "grasps", "markers", "mask", "overlay/compressed"].sort(),
    );

    const detections = byTopic.get("detections")!;
    expect(detections.type).toBe("vision_msgs/msg/Detection2DArray");
    expect(detections.time).toBe("1700000000123456789");
    expect(detections.message.header).toMatchObject({
      stamp: { sec: 1_700_000_000, nanosec: 123_456_789 },
      frame_id: "camera_color_optical_frame",
    });
    const [detection] = detections.message.detections;
    expect(detection.results[0].hypothesis).toMatchObject({ class_id: label, score: 0.75 });
    expect(detection.bbox).toMatchObject({
      center: { position: { x: 30, y: 50 }, theta: 0 },
      size_x: 40,
      size_y: 60,
    });
    expect(detection.id).toBe("1");

    const mask = byTopic.get("mask")!.message;
    const expected = maskFromBox(64, 96, box).data.map((value) => value * 255);
    expect(mask).toMatchObject({ width: 64, height: 96, step: 64, encoding: "mono8", is_bigendian: 0 });
    expect(mask.data).toEqual({ sha256: sha256(expected), length: 64 * 96 });

    const [pose] = byTopic.get("grasps")!.message.poses;
    expect(pose.position).toMatchObject({ x: 0.1, y: -0.2, z: 0.5 });
    expect(pose.orientation).toMatchObject({ x: 0, y: 0, z: 0.6, w: 0.8 });

    const annotations = byTopic.get("annotations")!;
    expect(annotations.type).toBe("foxglove_msgs/msg/ImageAnnotations");
    expect(annotations.message.points[0]).toMatchObject({ type: 2, thickness: 2 });
    expect(annotations.message.points[0].points.map((p: { x: number; y: number }) => [p.x, p.y])).toEqual([
      [10, 20],
      [50, 20],
      [50, 80],
      [10, 80],
    ]);
    expect(annotations.message.texts[0].text).toBe(`${label} 0.75`);

    const overlay = byTopic.get("overlay/compressed")!.message;
    expect(overlay.format).toBe("jpeg");
    expect(overlay.data).toEqual({ sha256: sha256(jpeg), length: jpeg.length });
  });

  it("appear under their name only when they are whole", async () => {
    const path = join(folder.path, "late.mcap");
    const writer = await ResultWriter.create(path);
    await writer.grasps(time, []);
    expect(existsSync(path)).toBe(false);
    await writer.close();
    await writer.close();
    expect(existsSync(path)).toBe(true);
    await expect(writer.grasps(time, [])).rejects.toMatchObject({ code: "OUTPUT_UNWRITABLE" });
  });

  it("leave nothing behind when they are given up", async () => {
    const path = join(folder.path, "given-up.mcap");
    const writer = await ResultWriter.create(path);
    await writer.grasps(time, []);
    await writer.abort();
    expect(readdirSync(folder.path).filter((name) => name.includes("given-up"))).toEqual([]);
  });

  it("say in one line that a folder is missing", async () => {
    const path = join(folder.path, "none", "out.mcap");
    await expect(ResultWriter.create(path)).rejects.toMatchObject({ code: "OUTPUT_UNWRITABLE" });
  });

  it
    .runIf(haveShared())
    .each([
      "--library mcap --compression zstd",
      "--library mcap --compression zstd --definitions ros2idl",
      "--library rosbags --storage sqlite3 --compression none",
    ])("carry the messages of a bag (%s) through unchanged", async (args) => {
    const made = makeBag(
      join(folder.path, `source-${args.length}${args.includes("idl") ? ".mcap" : ""}`),
      args,
    );
    const bag = await openBag(made.path);
    const target = join(folder.path, `copy-${args.length}.mcap`);
    const writer = await ResultWriter.create(target);
    const topics = new Map(bag.topics.map((topic) => [topic.name, topic]));
    const before: string[] = [];
    for await (const message of bag.messages({ borrow: true })) {
      before.push(`${message.topic} ${message.logTime} ${sha256(message.data)}`);
      await writer.copy(message, topics.get(message.topic)!);
    }
    await writer.close();
    await bag.close();

    const copy = await openBag(target);
    const after = (await collect(copy.messages())).map(
      (message) => `${message.topic} ${message.logTime} ${sha256(message.data)}`,
    );
    expect(after).toEqual(before);
    const [first] = await collect(await rgbdFrames(copy));
    expect(sha256((await first!.load()).colour.data)).toBe(made.first_colour_sha256);
    await copy.close();
    if (!args.includes("idl")) {
      const rows = JSON.parse(
        runPython("test/reference/read_bag.py", ["--library", "mcap", target]),
      ) as Row[];
      expect(rows).toHaveLength(made.messages);
    }
  });
});
