import sharp from "sharp";
import { openBag, rgbdFrames } from "../../../src/bags/index.js";
import type { ConsoleSource, SourceListener } from "../../../src/console/index.js";
import type { ColourImage } from "../../../src/geometry/index.js";
import { demoBag } from "./console.js";

/** The demo's images, enlarged, as a live camera would give them. */
export class LiveSource implements ConsoleSource {
  readonly kind = "live";
  readonly name = "camera";
  readonly dropped = 0;
  readonly problems = [];
  readonly #images: readonly ColourImage[];
  readonly #every: number;
  #timer: NodeJS.Timeout | undefined;

  private constructor(images: readonly ColourImage[], every: number) {
    this.#images = images;
    this.#every = every;
  }

  static async create(width: number, height: number, rate: number): Promise<LiveSource> {
    const bag = await openBag(demoBag);
    const images: ColourImage[] = [];
    for await (const handle of await rgbdFrames(bag)) {
      const { colour } = await handle.load();
      const raw = { width: colour.width, height: colour.height, channels: 3 } as const;
      const data = await sharp(colour.data, { raw }).resize(width, height, { fit: "fill" }).raw().toBuffer();
      images.push({ width, height, data });
    }
    await bag.close();
    return new LiveSource(images, 1000 / rate);
  }

  /** The camera sends nothing any more. */
  unplug(): void {
    clearInterval(this.#timer);
  }

  start(listener: SourceListener): void {
    let count = 0;
    this.#timer = setInterval(() => {
      const colour = this.#images[count++ % this.#images.length] as ColourImage;
      const stamp = BigInt(Date.now()) * 1_000_000n;
      listener.frame({ frame: { stamp, frameId: "camera_color_optical_frame", colour } });
    }, this.#every);
  }

  async close(): Promise<void> {
    this.unplug();
  }
}
