"""Imports of the hub's families. Run: python -m unittest export.test_import_family (in models/)."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tempfile
import unittest
from pathlib import Path

import torch

from .checkpoint import CheckpointError, from_hugging_face
from .clipseg import clipseg_model, is_clipseg
from .import_checkpoint import main
from .random_families import preprocessor, random_family, tokenizer_files


def authors_names(model: torch.nn.Module) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """(decoder, CLIP) as CLIPSeg's and CLIP's own code name them: written apart from the code under test."""
    decoder: dict[str, torch.Tensor] = {}
    state = {name: value for name, value in model.state_dict().items()}
    for name, value in state.items():
        if name.startswith("decoder.") and "_proj" not in name:
            name = name.removeprefix("decoder.").replace("layers.", "blocks.")
            name = name.replace("mlp.fc", "linear").replace("layer_norm", "norm")
            decoder[name.replace("transposed_convolution", "trans_conv")] = value
    for index in range(3):
        attention = f"decoder.layers.{index}.self_attn"
        for kind in ("weight", "bias"):
            joined = torch.cat([state[f"{attention}.{letter}_proj.{kind}"] for letter in "qkv"])
            decoder[f"blocks.{index}.self_attn.in_proj_{kind}"] = joined
            decoder[f"blocks.{index}.self_attn.out_proj.{kind}"] = state[f"{attention}.out_proj.{kind}"]
    decoder["reduce.weight"], decoder["reduce.bias"] = torch.zeros(64, 64), torch.zeros(64)
    clip = {name.removeprefix("clip."): value for name, value in state.items() if name.startswith("clip.")}
    return decoder, from_hugging_face(clip)


class ImportFamily(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def run_main(self, *args: object) -> list[dict]:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            main([str(arg) for arg in args])
        return [json.loads(line) for line in said.getvalue().splitlines() if line.startswith("{")]

    def test_clipseg_of_its_authors_is_the_model_of_transformers(self) -> None:
        model = random_family("clipseg", "small", seed=6)
        # Attention heads follow from the width, as CLIP's do.
        for part in (model.config.text_config, model.config.vision_config):
            part.num_attention_heads = 1
        model = type(model)(model.config).eval()
        decoder, clip = authors_names(model)
        self.assertTrue(is_clipseg(decoder))
        found = clipseg_model(decoder, clip, "a test")
        inputs = {
            "input_ids": torch.tensor([[49406, 320, 736, 49407]]),
            "attention_mask": torch.ones(1, 4, dtype=torch.int64),
            "pixel_values": torch.rand(1, 3, 352, 352),
        }
        with torch.inference_mode():
            torch.testing.assert_close(
                found(**inputs, interpolate_pos_encoding=True).logits,
                model(**inputs, interpolate_pos_encoding=True).logits,
                atol=1e-5,
                rtol=1e-5,
            )
        decoder.pop("film_add.bias")
        with self.assertRaisesRegex(CheckpointError, r"film_add\.bias is missing"):
            clipseg_model(decoder, clip, "a test")

        decoder, clip = authors_names(model)
        torch.save(decoder, self.folder / "rd64-uni-refined.pth")
        torch.save(clip, self.folder / "clip.pt")
        common = ["--checkpoint", self.folder / "rd64-uni-refined.pth", "--name", "mine", "--precisions", "fp32", "int8"]
        alone = self.run_main(*common, "--out", self.folder / "mine")
        self.assertRegex(alone[-1]["error"], r"decoder alone.*models pull clip-vit-b16")
        self.assertFalse((self.folder / "mine").exists())
        said = self.run_main(*common, "--out", self.folder / "mine", "--clip", self.folder / "clip.pt")
        self.assertEqual(said[-1]["done"]["family"], "clipseg")
        manifest = json.loads((self.folder / "mine" / "manifest.json").read_text())
        self.assertEqual(manifest["precisions"], ["fp32", "int8"])
        for entry in manifest["files"].values():
            self.assertTrue((self.folder / "mine" / entry["file"]).is_file())
            self.assertRegex(entry["sha256"], re.compile("^[0-9a-f]{64}$"))
        fp32 = manifest["metrics"]["against_pytorch_fp32"]["model"]
        self.assertGreaterEqual(fp32["mask_agreement"], 0.9999)

    def test_a_folder_of_transformers(self) -> None:
        source = self.folder / "sam"
        model = random_family("sam", "small", seed=2)
        model.save_pretrained(source)
        (source / "preprocessor_config.json").write_text(json.dumps(preprocessor("sam", model, (0, 0))))
        said = self.run_main("--checkpoint", source, "--name", "sam2", "--out", self.folder / "out", "--precisions", "fp32")
        self.assertEqual(said[-1]["done"]["family"], "sam")
        files = json.loads((self.folder / "out" / "fp32" / "manifest.json").read_text())["files"]
        self.assertEqual(set(files), {"vision", "prompt-decoder", "config", "preprocessor"})

    def test_a_folder_without_its_tokenizer_is_refused(self) -> None:
        source = self.folder / "owl"
        random_family("owlv2", "small").save_pretrained(source)
        said = self.run_main("--checkpoint", source, "--name", "owl", "--out", self.folder / "out")
        self.assertRegex(said[-1]["error"], r"tokenizer\.json is missing")
        self.assertFalse((self.folder / "out").exists())
        self.assertIn("tokenizer.json", tokenizer_files("owlv2"))


if __name__ == "__main__":
    unittest.main()
