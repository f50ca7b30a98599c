"""Writes depth of a slope as OpenCV and Pillow write it, and images that are no depth.

usage: depth_files.py FOLDER WIDTH HEIGHT
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

folder, width, height = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
metres = np.tile(0.5 + np.arange(width) * 0.016, (height, 1))
metres.flat[5] = 0
millimetres = np.round(metres * 1000)


def write(name: str, values: np.ndarray) -> None:
    assert cv2.imwrite(str(folder / name), values), name


write("u16.png", millimetres.astype(np.uint16))
write("u16.tiff", millimetres.astype(np.uint16))
write("s16.tiff", millimetres.astype(np.int16))
write("i32.tiff", millimetres.astype(np.int32))
write("u32.tiff", millimetres.astype(np.uint32))
write("f32_m.tiff", metres.astype(np.float32))
write("f32_mm.tiff", (metres * 1000).astype(np.float32))
write("tenths.png", np.round(metres * 10000).astype(np.uint16))
eight = np.round(metres / 0.005).astype(np.uint8)
write("u8.png", eight)
write("jet.png", cv2.applyColorMap(eight, cv2.COLORMAP_JET))
write("grey.jpg", eight)
write("grey.webp", eight)
Image.fromarray(eight).convert("P").save(folder / "palette.png")
Image.merge("LA", [Image.fromarray(eight), Image.fromarray(np.full_like(eight, 255))]).save(folder / "alpha.png")
Image.fromarray((metres > 0.7).astype(np.uint8) * 255).convert("1").save(folder / "mask.png")
