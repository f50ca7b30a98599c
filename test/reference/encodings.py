"""Pictures in every encoding and what OpenCV or numpy makes of them, as one JSON document with base64 data."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

import cv2
import numpy as np

RNG = np.random.default_rng(7)
WIDTH, HEIGHT = 22, 14


def text(array: np.ndarray | bytes) -> str:
    return base64.b64encode(array if isinstance(array, bytes) else np.ascontiguousarray(array).tobytes()).decode()


def padded(rows: np.ndarray, padding: int) -> np.ndarray:
    """Rows of bytes with `padding` bytes of junk behind each."""
    junk = RNG.integers(0, 256, (rows.shape[0], padding), dtype=np.uint8)
    return np.concatenate([rows, junk], axis=1)


def case(
    encoding: str, raw: np.ndarray, expected: np.ndarray, *, big: bool = False, padding: int = 0, height: int = HEIGHT
) -> dict[str, Any]:
    """raw: rows × values of the encoding's type, in the host's byte order."""
    swapped = raw.astype(raw.dtype.newbyteorder(">" if big else "<"))
    rows = np.frombuffer(swapped.tobytes(), np.uint8).reshape(raw.shape[0], -1)
    data = padded(rows, padding)
    return {
        "encoding": encoding,
        "width": WIDTH,
        "height": height,
        "step": data.shape[1],
        "big": big,
        "data": text(data),
        "expected": text(expected),
    }


def colours() -> list[dict[str, Any]]:
    cases = []
    rgb = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    alpha = RNG.integers(0, 256, (HEIGHT, WIDTH, 1), dtype=np.uint8)
    grey = RNG.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    wide = RNG.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
    wide[0, :4] = [0, 65535, 128, 129]
    rgb16 = RNG.integers(0, 65536, (HEIGHT, WIDTH, 3), dtype=np.uint16)
    flat = lambda picture: picture.reshape(picture.shape[0], -1)  # noqa: E731
    to8 = lambda picture: np.floor(picture.astype(np.float64) * 255 / 65535 + 0.5).astype(np.uint8)  # noqa: E731
    for padding in (0, 5):
        bgr = rgb[:, :, ::-1]
        cases += [
            case("rgb8", flat(rgb), rgb, padding=padding),
            case("bgr8", flat(bgr), rgb, padding=padding),
            case("8UC3", flat(bgr), rgb, padding=padding),
            case("rgba8", flat(np.concatenate([rgb, alpha], 2)), rgb, padding=padding),
            case("bgra8", flat(np.concatenate([bgr, alpha], 2)), rgb, padding=padding),
            case("8UC4", flat(np.concatenate([bgr, alpha], 2)), rgb, padding=padding),
            case("mono8", grey, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), padding=padding),
            case("8UC1", grey, cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), padding=padding),
        ]
        for big in (False, True):
            mono = cv2.cvtColor(to8(wide), cv2.COLOR_GRAY2RGB)
            cases += [
                case("mono16", wide, mono, big=big, padding=padding),
                case("rgb16", flat(rgb16), to8(rgb16), big=big, padding=padding),
                case("bgr16", flat(rgb16[:, :, ::-1]), to8(rgb16), big=big, padding=padding),
            ]
        packed = RNG.integers(0, 256, (HEIGHT, WIDTH * 2), dtype=np.uint8)
        pairs = packed.reshape(HEIGHT, WIDTH, 2)
        for name in ("uyvy", "yuv422"):
            cases.append(case(name, packed, cv2.cvtColor(pairs, cv2.COLOR_YUV2RGB_UYVY), padding=padding))
        for name in ("yuyv", "yuv422_yuy2"):
            cases.append(case(name, packed, cv2.cvtColor(pairs, cv2.COLOR_YUV2RGB_YUY2), padding=padding))
        planes = RNG.integers(0, 256, (HEIGHT * 3 // 2, WIDTH), dtype=np.uint8)
        cases.append(case("nv12", planes, cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_NV12), padding=padding))
        cases.append(case("nv21", planes, cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_NV21), padding=padding))
        for name in ("RGGB", "BGGR", "GBRG", "GRBG"):
            code = getattr(cv2, f"COLOR_Bayer{name}2RGB")
            cases.append(case(f"bayer_{name.lower()}8", grey, cv2.cvtColor(grey, code), padding=padding))
    return cases


def depths() -> list[dict[str, Any]]:
    cases = []
    millimetres = RNG.integers(0, 65536, (HEIGHT, WIDTH), dtype=np.uint16)
    millimetres[0, :3] = [0, 1, 65535]
    metres = RNG.uniform(0.2, 9, (HEIGHT, WIDTH)).astype(np.float32)
    metres[0, :6] = [0, np.nan, np.inf, -np.inf, -1, 1e-3]
    of_mm = np.where(millimetres == 0, np.nan, millimetres * 0.001).astype(np.float32)
    of_m = np.where(np.isfinite(metres) & (metres > 0), metres, np.nan).astype(np.float32)
    for padding in (0, 3, 4):
        for big in (False, True):
            cases.append(case("16UC1", millimetres, of_mm, big=big, padding=padding))
            cases.append(case("mono16", millimetres, of_mm, big=big, padding=padding))
            cases.append(case("32FC1", metres, of_m, big=big, padding=padding))
    return cases


def rvl(values: np.ndarray) -> bytes:
    """Wilson's coding, written from the paper: nibbles are packed into words from the top."""
    nibbles: list[int] = []

    def number(value: int) -> None:
        while True:
            nibble, value = value & 7, value >> 3
            nibbles.append(nibble | (8 if value else 0))
            if not value:
                return

    row = [int(v) for v in values.reshape(-1)]
    i, previous = 0, 0
    while i < len(row):
        start = i
        while i < len(row) and row[i] == 0:
            i += 1
        number(i - start)
        end = i
        while end < len(row) and row[end] != 0:
            end += 1
        number(end - i)
        for value in row[i:end]:
            delta = value - previous
            number(delta * 2 if delta >= 0 else -delta * 2 - 1)
            previous = value
        i = end
    nibbles += [0] * (-len(nibbles) % 8)
    words = [int("".join(f"{n:x}" for n in nibbles[k : k + 8]), 16) for k in range(0, len(nibbles), 8)]
    return struct.pack(f"<{len(words)}I", *words)


def compressed() -> list[dict[str, Any]]:
    millimetres = RNG.integers(200, 9000, (HEIGHT, WIDTH), dtype=np.uint16)
    millimetres[3:6, 2:15] = 0
    millimetres[0, 0] = 0
    of_mm = np.where(millimetres == 0, np.nan, millimetres * 0.001).astype(np.float32)
    png = cv2.imencode(".png", millimetres)[1].tobytes()
    header = struct.pack("<iff", 0, 0.0, 0.0)
    # Floats are kept as quantised inverse depth: q = A / z + B.
    a, b = 100.0 * 101.0, 1.0 - 100.0 * 101.0 / 10.0
    z = RNG.uniform(0.5, 9, (HEIGHT, WIDTH)).astype(np.float64)
    q = (a / z + b).astype(np.uint16)
    q[2, 2:9] = 0
    a32, b32 = np.float32(a), np.float32(b)
    of_m = np.where(q == 0, np.nan, float(a32) / np.where(q == 0, 1, q.astype(np.float64) - float(b32)))
    inverse = struct.pack("<iff", 0, a, b) + cv2.imencode(".png", q)[1].tobytes()
    size = struct.pack("<II", WIDTH, HEIGHT)
    rows = [
        ("16UC1; compressedDepth png", header + png, of_mm),
        ("16UC1; compressedDepth", header + png, of_mm),
        ("16UC1; png compressed 16UC1", png, of_mm),
        ("32FC1; compressedDepth png", inverse, of_m.astype(np.float32)),
        ("16UC1; compressedDepth rvl", header + size + rvl(millimetres), of_mm),
    ]
    return [{"format": form, "data": text(data), "expected": text(expected)} for form, data, expected in rows]


def colour_files() -> list[dict[str, Any]]:
    rgb = RNG.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    grey = RNG.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    smooth = np.stack(np.broadcast_arrays(*np.ogrid[0:HEIGHT, 0:WIDTH], 40), 2).astype(np.uint8) * 6
    rows = [
        ("rgb8; png compressed bgr8", cv2.imencode(".png", rgb[:, :, ::-1])[1], rgb, 0),
        ("mono8; png compressed mono8", cv2.imencode(".png", grey)[1], cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), 0),
        ("rgb8; jpeg compressed bgr8", cv2.imencode(".jpg", smooth[:, :, ::-1])[1], smooth, 12),
        ("jpeg", cv2.imencode(".jpg", smooth[:, :, ::-1])[1], smooth, 12),
    ]
    return [
        {"format": form, "data": text(data.tobytes()), "expected": text(expected), "tolerance": tolerance}
        for form, data, expected, tolerance in rows
    ]


def main() -> None:
    made = {"width": WIDTH, "height": HEIGHT, "colours": colours(), "depths": depths()}
    print(json.dumps({**made, "compressed": compressed(), "files": colour_files()}))


if __name__ == "__main__":
    main()
