"""Pictures and what Pillow's bilinear resize (torchvision's Resize on a PIL picture) makes of them.

    pillow_resize.py FOLDER SIDE WxH...   writes WxH.src and WxH.out as raw RGB bytes
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image

folder, side, sizes = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
rng = np.random.default_rng(7)
for size in sizes:
    width, height = map(int, size.split("x"))
    y, x = np.mgrid[0:height, 0:width]
    smooth = 128 + 100 * np.sin(x[..., None] / (9 + np.arange(3) * 5) + y[..., None] / 13)
    noise = rng.integers(0, 256, (height, width, 3))
    picture = np.where((x + y)[..., None] % 97 < 48, smooth, noise).clip(0, 255).astype(np.uint8)
    resized = Image.fromarray(picture).resize((side, side), Image.Resampling.BILINEAR)
    (folder / f"{size}.src").write_bytes(picture.tobytes())
    (folder / f"{size}.out").write_bytes(np.asarray(resized).tobytes())
