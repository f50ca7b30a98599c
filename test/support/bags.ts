import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RgbdFrame } from "../../src/geometry/index.js";
import { runPython } from "./python.js";
import { sharedFolder } from "./shared.js";

/** What test/reference/make_bag.py says it put into a bag. */
export interface MadeBag {
  readonly path: string;
  readonly frames: number;
  readonly width: number;
  readonly height: number;
  readonly intrinsics: { readonly fx: number; readonly fy: number; readonly cx: number; readonly cy: number };
  readonly first_colour_sha256: string;
  readonly depth_mm_sha256: string;
  readonly messages: number;
  readonly start: string;
  readonly end: string;
}

export const colourTopic = "/camera/color/image_raw";
export const depthTopic = "/camera/aligned_depth_to_color/image_raw";

/** Makes a bag of a real RGB-D frame with a library nobody here wrote. */
export function makeBag(path: string, args: string, scene = "uoc_table_mugs"): MadeBag {
  const folder = join(sharedFolder, "data", "rgbd", scene);
  const said = runPython("test/reference/make_bag.py", [
    ...args.split(" "),
    "--scene",
    folder,
    "--out",
    path,
  ]);
  return { path, ...(JSON.parse(said) as Omit<MadeBag, "path">) };
}

export const sha256 = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

/** Digest of a frame's depth turned back into millimetres, 0 where unknown. */
export function depthDigest(frame: RgbdFrame): string {
  const metres = frame.depth?.data ?? new Float32Array(0);
  return sha256(
    new Uint8Array(Uint16Array.from(metres, (z) => (Number.isNaN(z) ? 0 : Math.round(z * 1000))).buffer),
  );
}

/** A folder for a test file's bags and other files, and its removal. */
export function temporaryFolder(): {
  readonly path: string;
  /** Writes a file into it and says where. */
  write(name: string, text: string): string;
  remove(): void;
} {
  const path = mkdtempSync(join(tmpdir(), "grasp-grounding-test-"));
  return {
    path,
    write(name, text) {
      writeFileSync(join(path, name), text);
      return join(path, name);
    },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Array.fromAsync, which Node 20 has not. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
