"""What the image processors of transformers make of pictures.

    processors.py FOLDER WxH...   writes FOLDER/WxH.src as raw RGB bytes, and for each family FAMILY.json
                                  (preprocessor_config.json) and FAMILY-WxH.npy (pixel_values)
"""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil
from transformers.models.owlv2.image_processing_pil_owlv2 import Owlv2ImageProcessorPil
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
PROCESSORS = {
    "clipseg": ViTImageProcessorPil(size={"height": 352, "width": 352}, **IMAGENET),
    "clipseg-bicubic": ViTImageProcessorPil(size={"height": 352, "width": 352}, resample=3, **IMAGENET),
    "owlv2": Owlv2ImageProcessorPil(),
    "grounding-dino": GroundingDinoImageProcessorPil(),
    "sam": SamImageProcessorPil(),
}


def picture(width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(width * 10_000 + height)
    y, x = np.mgrid[0:height, 0:width]
    smooth = 128 + 100 * np.sin(x[..., None] / (9 + np.arange(3) * 5) + y[..., None] / 13)
    noise = rng.integers(0, 256, (height, width, 3))
    return np.where((x + y)[..., None] % 97 < 48, smooth, noise).clip(0, 255).astype(np.uint8)


folder, sizes = Path(sys.argv[1]), sys.argv[2:]
for name, processor in PROCESSORS.items():
    (folder / f"{name}.json").write_text(processor.to_json_string())
for size in sizes:
    pixels = picture(*map(int, size.split("x")))
    (folder / f"{size}.src").write_bytes(pixels.tobytes())
    for name, processor in PROCESSORS.items():
        made = processor(Image.fromarray(pixels), return_tensors="np")["pixel_values"]
        np.save(folder / f"{name}-{size}.npy", made.astype(np.float32))
