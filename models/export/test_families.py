"""Exports of the hub's families against transformers. Run: python -m unittest export.test_families (in models/)."""

from __future__ import annotations

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import torch

from .checkpoint import CheckpointError
from .families import FAMILIES, Part, load_family, parts_of, write_part
from .family_measure import FamilyMeasure
from .quantize import halved, packed, quantized
from .random_families import SMALL_DINO, random_family


class Families(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def test_the_export_gives_what_transformers_gives(self) -> None:
        for family in FAMILIES:
            model = random_family(family, "small", seed=3)
            for part in parts_of(model, dino_size=SMALL_DINO):
                with self.subTest(family=family, part=part.stem):
                    path = self.folder / f"{family}-{part.stem}.onnx"
                    write_part(part, path)
                    measure = FamilyMeasure(family, part)
                    exact = measure.of(path)
                    self.assertLess(exact.logit or 0, 1e-3)
                    self.assertLess(exact.box or 0, 0.05)
                    self.assertGreaterEqual(exact.mask or 1, 0.9999)
                    halved(path, self.folder / "half.onnx")
                    self.assertLess((self.folder / "half.onnx").stat().st_size, 0.6 * path.stat().st_size)
                    self.assertGreaterEqual(measure.of(self.folder / "half.onnx").mask or 1, 0.998)
                    packed(path, self.folder / "packed.onnx")
                    self.assertGreaterEqual(measure.of(self.folder / "packed.onnx").mask or 1, 0.98)

    def test_8_bit_weights_are_those_of_feed_forward_layers(self) -> None:
        torch.manual_seed(5)
        layers = [torch.nn.Linear(128, 512), torch.nn.ReLU(), torch.nn.Linear(512, 128), torch.nn.Linear(128, 128)]
        model = torch.nn.Sequential(*layers).eval()
        sample = torch.randn(1, 7, 128)
        path, target = self.folder / "layers.onnx", self.folder / "layers-packed.onnx"
        part = Part("layers", model, {"x": sample}, ("y",), {})
        write_part(part, path)
        packed(path, target)
        types = {tensor.data_type: 0 for tensor in onnx.load(target).graph.initializer}
        for tensor in onnx.load(target).graph.initializer:
            types[tensor.data_type] += int(np.prod(tensor.dims))
        # Two layers in 8 bits with a scale for 16 weights each; the square one in half precision.
        self.assertEqual(types[onnx.TensorProto.INT8], 2 * 128 * 512)
        self.assertEqual(types[onnx.TensorProto.FLOAT16], 2 * 128 * 512 // 16 + 128 * 128)
        self.assertLess(target.stat().st_size, 0.36 * path.stat().st_size)
        session = ort.InferenceSession(str(target), providers=["CPUExecutionProvider"])
        with torch.inference_mode():
            exact = model(sample).numpy()
        found = session.run(["y"], {"x": sample.numpy()})[0]
        self.assertLess(float(np.abs(found - exact).std() / exact.std()), 0.01)
        self.assertGreater(float(np.abs(found - exact).max()), 0)

    def test_8_bit_products_stay_near(self) -> None:
        (part,) = parts_of(random_family("clipseg", "small", seed=3))
        path = self.folder / "clipseg.onnx"
        write_part(part, path)
        quantized(path, self.folder / "quantized.onnx")
        agreement = FamilyMeasure("clipseg", part).of(self.folder / "quantized.onnx")
        self.assertGreater(agreement.mask or 0, 0.95)
        self.assertGreater(agreement.logit or 0, 0)

    def test_the_wrapper_of_clipseg_is_clipseg(self) -> None:
        model = random_family("clipseg", "small", seed=4)
        (part,) = parts_of(model)
        sample = {name: value[:1] for name, value in part.inputs.items()}
        with torch.inference_mode():
            whole = model(**sample, interpolate_pos_encoding=True).logits
            wrapped = part.module(*sample.values())
        self.assertLess(float((whole.reshape(wrapped.shape) - wrapped).abs().max()), 1e-5)

    def test_a_folder_survives_the_round_trip_and_a_damaged_one_is_refused(self) -> None:
        model = random_family("owlv2", "small")
        model.save_pretrained(self.folder / "good")
        loaded = load_family(self.folder / "good")
        for name, value in model.state_dict().items():
            torch.testing.assert_close(value, loaded.state_dict()[name])
        config = json.loads((self.folder / "good" / "config.json").read_text())
        other = self.folder / "other"
        other.mkdir()
        (other / "config.json").write_text(json.dumps({**config, "model_type": "vit"}))
        with self.assertRaisesRegex(CheckpointError, "architecture vit; wanted clipseg"):
            load_family(other)
        (self.folder / "good" / "model.safetensors").write_bytes(b"cut")
        with self.assertRaises(CheckpointError):
            load_family(self.folder / "good")


if __name__ == "__main__":
    unittest.main()
