import { describe, expect, it } from "vitest";
import {
  colourFromCompressed,
  colourFromImage,
  depthFromCompressed,
  depthFromImage,
  type ImageMessage,
} from "../../../src/messages/index.js";
import { runPython } from "../../support/python.js";

interface Case {
  readonly encoding: string;
  readonly width: number;
  readonly height: number;
  readonly step: number;
  readonly big: boolean;
  readonly data: string;
  readonly expected: string;
}

interface Compressed {
  readonly format: string;
  readonly data: string;
  readonly expected: string;
  readonly tolerance: number;
}

interface References {
  readonly width: number;
  readonly height: number;
  readonly colours: readonly Case[];
  readonly depths: readonly Case[];
  readonly compressed: readonly Compressed[];
  readonly files: readonly Compressed[];
}

const references = JSON.parse(runPython("test/reference/encodings.py")) as References;
const header = { stamp: { sec: 1, nanosec: 2 }, frame_id: "camera" };
const title = ({ encoding, step, big }: Case): string =>
  `${encoding}, step ${step}${big ? ", big endian" : ""}`;

/** At an odd address, as data lies in a bag. */
function bytes(text: string): Uint8Array {
  const data = Buffer.from(text, "base64");
  const shifted = new Uint8Array(data.length + 1);
  shifted.set(data, 1);
  return shifted.subarray(1);
}

const floats = (text: string): Float32Array =>
  new Float32Array(Uint8Array.from(Buffer.from(text, "base64")).buffer);

function messageOf({ encoding, width, height, step, big, data }: Case): ImageMessage {
  return { header, width, height, encoding, step, is_bigendian: big ? 1 : 0, data: bytes(data) };
}

describe("colour images", () => {
  it.each(references.colours.map((one) => [title(one), one] as const))("%s as OpenCV reads it", (_, one) => {
    const image = colourFromImage(messageOf(one));
    const expected = bytes(one.expected);
    expect([image.width, image.height]).toEqual([one.width, one.height]);
    expect(image.data.length).toBe(expected.length);
    // OpenCV copies the next row and column to a Bayer image's border; this project mirrors the pattern there.
    const margin = one.encoding.startsWith("bayer") ? 1 : 0;
    for (let y = margin; y < one.height - margin; y++) {
      const row = (x: number) => (y * one.width + x) * 3;
      expect(image.data.subarray(row(margin), row(one.width - margin))).toEqual(
        expected.subarray(row(margin), row(one.width - margin)),
      );
    }
  });

  it("a plain Bayer image is plain to its very border", () => {
    const raw = (red: readonly [number, number], colour: readonly [number, number, number]): Uint8Array =>
      Uint8Array.from({ length: 6 * 4 }, (_, i) => {
        const [y, x] = [Math.trunc(i / 6) & 1, (i % 6) & 1];
        if (y === red[0] && x === red[1]) return colour[0];
        return y !== red[0] && x !== red[1] ? colour[2] : colour[1];
      });
    for (const [encoding, red] of [
      ["bayer_rggb8", [0, 0]],
      ["bayer_grbg8", [0, 1]],
      ["bayer_gbrg8", [1, 0]],
      ["bayer_bggr8", [1, 1]],
    ] as const) {
      const data = raw(red, [200, 100, 50]);
      const image = colourFromImage({
        header,
        width: 6,
        height: 4,
        encoding,
        step: 6,
        is_bigendian: 0,
        data,
      });
      expect([...image.data]).toEqual(Array.from({ length: 24 }, () => [200, 100, 50]).flat());
    }
  });

  it("rgb8 without padding is not copied", () => {
    const data = new Uint8Array(2 * 2 * 3);
    const image = colourFromImage({
      header,
      width: 2,
      height: 2,
      encoding: "rgb8",
      step: 6,
      is_bigendian: 0,
      data,
    });
    expect(image.data.buffer).toBe(data.buffer);
  });
});

describe("depth images", () => {
  it.each(references.depths.map((one) => [title(one), one] as const))(
    "%s in metres, NaN for none",
    (_, one) => {
      expect(depthFromImage(messageOf(one)).data).toEqual(floats(one.expected));
    },
  );
});

describe("compressed images", () => {
  it.each(references.compressed.map((one) => [one.format, one] as const))("%s", async (format, one) => {
    const image = await depthFromCompressed({ header, format, data: bytes(one.data) });
    const expected = floats(one.expected);
    expect([image.width, image.height]).toEqual([references.width, references.height]);
    expect(image.data).toHaveLength(expected.length);
    for (const [i, z] of expected.entries()) {
      if (Number.isNaN(z)) expect(image.data[i]).toBeNaN();
      else expect(Math.abs(image.data[i]! - z)).toBeLessThan(1e-6);
    }
  });

  it.each(references.files.map((one) => [one.format, one] as const))("%s", async (format, one) => {
    const image = await colourFromCompressed({ header, format, data: bytes(one.data) });
    const expected = bytes(one.expected);
    expect([image.width, image.height]).toEqual([references.width, references.height]);
    expect(image.data).toHaveLength(expected.length);
    const worst = Math.max(...expected.map((value, i) => Math.abs(value - image.data[i]!)));
    expect(worst).toBeLessThanOrEqual(one.tolerance);
  });

  it("a cut or foreign file gets one clear line, wherever it is cut", async () => {
    const [png] = references.files;
    const data = bytes(png!.data);
    for (let length = 0; length < data.length - 12; length += 37) {
      await expect(
        colourFromCompressed({ header, format: "png", data: data.subarray(0, length) }),
      ).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
    }
    for (const one of references.compressed) {
      const whole = bytes(one.data);
      for (let length = 0; length < whole.length - 16; length += 41) {
        await expect(
          depthFromCompressed({ header, format: one.format, data: whole.subarray(0, length) }),
        ).rejects.toMatchObject({ code: "IMAGE_UNREADABLE" });
      }
    }
  });

  it("an RVL code for an image of 4 billion pixels is refused before anything is allocated", async () => {
    const data = new Uint8Array(12 + 8 + 4);
    new DataView(data.buffer).setUint32(12, 0xffff_ffff, true);
    new DataView(data.buffer).setUint32(16, 0xffff_ffff, true);
    const format = "16UC1; compressedDepth rvl";
    await expect(depthFromCompressed({ header, format, data })).rejects.toMatchObject({
      code: "IMAGE_LAYOUT",
    });
  });
});
