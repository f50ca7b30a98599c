"""Writes depth of a slope as OpenCV and Pillow write it, and images that are no depth.

usage: depth_files.py FOLDER WIDTH HEIGHT
"""

import struct
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


SHORT, LONG = 3, 4


def write_tiff(name: str, values: np.ndarray, order: str, white_is_zero: bool = False) -> None:
    """Writes a TIFF of one strip, uncompressed; `order` is "<" or ">"."""
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    sample_format = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    fields = [
        *[(256, width), (257, height), (258, 8 * values.dtype.itemsize), (259, 1)],
        *[(262, 0 if white_is_zero else 1), (273, 8 + 2 + 12 * 10 + 4), (277, 1), (278, height)],
        *[(279, len(data)), (339, sample_format)],
    ]
    directory = b"".join(struct.pack(f"{order}HHII", tag, LONG, 1, value)
        if tag in (256, 257, 273, 278, 279)
        else struct.pack(f"{order}HHIHH", tag, SHORT, 1, value, 0)
        for tag, value in fields)
    magic = b"II" if order == "<" else b"MM"
    head = magic + struct.pack(f"{order}HI", 42, 8) + struct.pack(f"{order}H", len(fields))
    (folder / name).write_bytes(head + directory + struct.pack(f"{order}I", 0) + data)


write_tiff("u16_big.tiff", millimetres.astype(np.uint16), ">")
write_tiff("f32_big.tiff", metres.astype(np.float32), ">")
write_tiff("f16_m.tiff", metres.astype(np.float16), "<")
write_tiff("inverted.tiff", millimetres.astype(np.uint16), "<", white_is_zero=True)
write_tiff("inverted_big.tiff", millimetres.astype(np.uint16), ">", white_is_zero=True)
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
Image.fromarray(millimetres.astype(np.uint16)).save(folder / "turned.tiff", tiffinfo={274: 3})
Image.fromarray(millimetres.astype(np.uint16)).save(
    folder / "pages.tiff", save_all=True, append_images=[Image.fromarray(millimetres.astype(np.uint16))]
)
Image.fromarray((metres > 0.7).astype(np.uint8) * 255).convert("1").save(folder / "mask.png")
