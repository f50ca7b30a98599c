// Writes the first frame of the demo's recording as files that `ground` takes: demo/color.png, demo/depth.png (16 bit,
// millimetres) and demo/intrinsics.json. Run it after make_demo.py, in a checkout that is built.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { openBag, rgbdFrames } from "../../dist/src/bags/index.js";
import { root } from "../lib/setup.mjs";

const demo = join(root, "demo");
const reader = await openBag(join(demo, "demo.mcap"));
for await (const handle of await rgbdFrames(reader)) {
  const { colour, depth, camera } = await handle.load();
  const { width, height } = colour;
  const image = sharp(colour.data, { raw: { width, height, channels: 3 } });
  await image.png({ palette: false, compressionLevel: 9 }).toFile(join(demo, "color.png"));
  const millimetres = Uint16Array.from(depth.data, (z) => (z > 0 ? Math.round(z * 1000) : 0));
  const distances = sharp(millimetres, { raw: { width, height, channels: 1 } }).toColourspace("grey16");
  await distances.png({ compressionLevel: 9 }).toFile(join(demo, "depth.png"));
  writeFileSync(join(demo, "intrinsics.json"), `${JSON.stringify(camera, undefined, 2)}\n`);
  break;
}
await reader.close();
