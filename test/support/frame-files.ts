import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { openBag, rgbdFrames } from "../../src/bags/index.js";

/** Writes the first frame of a bag as color.png, depth.png (16 bit, millimetres) and intrinsics.json. */
export async function writeFrame(bag: string, folder: string): Promise<void> {
  const reader = await openBag(bag);
  for await (const handle of await rgbdFrames(reader)) {
    const { colour, depth, camera } = await handle.load();
    const { width, height } = colour;
    await sharp(colour.data, { raw: { width, height, channels: 3 } })
      .png()
      .toFile(join(folder, "color.png"));
    const millimetres = Uint16Array.from(depth?.data ?? [], (z) => (z > 0 ? Math.round(z * 1000) : 0));
    await sharp(millimetres, { raw: { width, height, channels: 1 } })
      .toColourspace("grey16")
      .png()
      .toFile(join(folder, "depth.png"));
    writeFileSync(join(folder, "intrinsics.json"), JSON.stringify(camera));
    break;
  }
  await reader.close();
}
