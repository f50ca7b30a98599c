"""Tests of the definition, the loader and the writer. Run: python -m unittest export.test_export (in models/)."""

from __future__ import annotations

import io
import os
import tempfile
import unittest
import zipfile
from pathlib import Path

import numpy as np
import torch

from .checkpoint import CheckpointError, Wishes, load_clip, load_hifics, read_state
from .clip import VIT_B16, VIT_L14, Clip, ClipConfig, resized_positions
from .film import trained_variant
from .hifics import PER_LEVEL, SINGLE, DecoderConfig
from .measure import Measure, choose
from .onnx_export import encoder_graph
from .onnx_graph import FP16, FP32, INT8, Precision
from .random_weights import published_names, random_hifics
from .vocabulary import MERGES, ReferenceTokenizer, read_merges, vocabulary


def small(patch: int = 16) -> ClipConfig:
    return ClipConfig("small", 128, 10, patch, 14 if patch == 16 else 16, 64, 64, 2)


class Folder(unittest.TestCase):
    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory()
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def refused(self, pattern: str, *args: object, **named: object) -> None:
        with self.assertRaisesRegex(CheckpointError, pattern):
            load_hifics(*args, **named)  # type: ignore[arg-type]


class AgainstTransformers(unittest.TestCase):
    """An implementation nobody here wrote: Hugging Face's CLIPSeg is HiFi-CS with one FiLM, under other names."""

    def check(self, patch: int, width: int) -> None:
        from transformers import CLIPSegConfig, CLIPSegForImageSegmentation

        from .checkpoint import clip_from_state, fill, from_hugging_face
        from .hifics import HifiCs

        torch.manual_seed(1)
        heads = width // 64
        peer = CLIPSegForImageSegmentation(
            CLIPSegConfig(
                text_config={
                    "hidden_size": 64,
                    "intermediate_size": 256,
                    "num_hidden_layers": 2,
                    "num_attention_heads": 1,
                    "projection_dim": 64,
                    "bos_token_id": 49406,
                    "eos_token_id": 49407,
                    "pad_token_id": 0,
                },
                vision_config={
                    "hidden_size": width,
                    "intermediate_size": 4 * width,
                    "num_hidden_layers": 11,
                    "num_attention_heads": heads,
                    "image_size": 224,
                    "patch_size": patch,
                },
                projection_dim=64,
                extract_layers=[1, 3, 5, 7, 9],
                reduce_dim=64,
                decoder_num_attention_heads=4,
                decoder_intermediate_size=2048,
            )
        ).eval()
        with torch.no_grad():
            for parameter in peer.parameters():
                parameter.add_(torch.randn_like(parameter) * 0.03)
        state = peer.state_dict()
        clip_state = {name.removeprefix("clip."): value for name, value in state.items() if name.startswith("clip.")}
        clip = clip_from_state(from_hugging_face(clip_state), "peer")
        model = HifiCs(clip.config, DecoderConfig.over(clip.config)).eval()
        model.clip = clip
        decoder: dict[str, torch.Tensor] = {}
        for name, value in state.items():
            if not name.startswith("decoder."):
                continue
            name = name.removeprefix("decoder.").replace("transposed_convolution", "trans_conv")
            name = name.replace("layers.", "blocks.").replace("layer_norm", "norm")
            name = name.replace("mlp.fc", "linear").replace("self_attn.out_proj", "self_attn.out_proj")
            decoder[name] = value
        for level in range(5):
            stem = f"blocks.{level}.self_attn."
            for kind in ("weight", "bias"):
                decoder[f"{stem}in_proj_{kind}"] = torch.cat(
                    [decoder.pop(f"{stem}{which}_proj.{kind}") for which in "qkv"]
                )
        fill(model.decoder, decoder, "peer")
        image = torch.rand(1, 3, 352, 352)
        ids = torch.zeros(1, 77, dtype=torch.long)
        ids[0, :6] = torch.tensor([49406, 320, 736, 4500, 517, 49407])
        attention = (torch.arange(77) < 6).long()[None]
        with torch.inference_mode():
            wanted = peer(
                input_ids=ids, attention_mask=attention, pixel_values=image, interpolate_pos_encoding=True
            ).logits
            found = model(image, ids)[:, 0]
        self.assertEqual(found.shape[-1], 352 // patch * patch)
        self.assertGreater(float(found.std()), 0.05)
        self.assertLess(float((found - wanted.reshape(found.shape)).abs().max()), 1e-4)

    def test_patch_16(self) -> None:
        self.check(16, 128)

    def test_patch_14(self) -> None:
        self.check(14, 128)


class Definition(unittest.TestCase):
    def test_published_shapes(self) -> None:
        for config, tokens, width, mask in ((VIT_B16, 485, 768, 352), (VIT_L14, 626, 1024, 350)):
            config = config.with_layers(2, 1)
            model = random_hifics(config, DecoderConfig.over(config, taps=(0, 1)))
            with torch.inference_mode():
                taps = model.clip.visual(torch.rand(1, 3, 352, 352), (0, 1))
                logits = model(torch.rand(1, 3, 352, 352), torch.tensor([[49406, 320, 49407]]))
            self.assertEqual(list(taps[0].shape), [1, tokens, width])
            self.assertEqual(list(logits.shape), [1, 1, mask, mask])

    def test_positions_keep_the_class_row_and_the_same_size(self) -> None:
        table = torch.randn(197, 8)
        torch.testing.assert_close(resized_positions(table, 14), table)
        self.assertTrue(torch.equal(resized_positions(table, 22)[0], table[0]))

    def test_running_as_published_gives_the_same_logits(self) -> None:
        model = random_hifics(small(), DecoderConfig.over(small(), variant=PER_LEVEL))
        image, ids = torch.rand(1, 3, 352, 352), torch.tensor([[49406, 320, 736, 49407, 0, 0, 0]])
        with torch.inference_mode():
            torch.testing.assert_close(model(image, ids[:, :4]), model(image, ids, True), atol=1e-4, rtol=1e-4)

    def test_deepest_first_and_shallowest_first_differ(self) -> None:
        image, ids = torch.rand(1, 3, 352, 352), torch.tensor([[49406, 320, 49407]])
        masks = []
        for deepest in (True, False):
            model = random_hifics(small(), DecoderConfig.over(small(), deepest_first=deepest))
            with torch.inference_mode():
                masks.append(model(image, ids))
        self.assertGreater(float((masks[0] - masks[1]).abs().max()), 1e-2)


class Loading(Folder):
    def checkpoint(self, **changes: object) -> tuple[Path, object]:
        model = random_hifics(small(), DecoderConfig.over(small(), **changes), seed=3)
        path = self.folder / "weights.pth"
        torch.save(published_names(model), path)
        return path, model

    def same(self, one: object, two: object) -> None:
        image, ids = torch.rand(1, 3, 352, 352), torch.tensor([[49406, 320, 736, 49407]])
        with torch.inference_mode():
            self.assertTrue(torch.equal(one(image, ids), two(image, ids)))  # type: ignore[operator]

    def test_every_variant_is_found_out(self) -> None:
        for variant in (SINGLE, PER_LEVEL):
            for reduce_cond in (None, 24):
                path, model = self.checkpoint(variant=variant, reduce_cond=reduce_cond)
                loaded = load_hifics(path, None, Wishes()).model
                self.assertEqual(loaded.decoder.config.variant, variant)
                self.same(loaded, model)

    def test_wrapped_and_data_parallel(self) -> None:
        path, model = self.checkpoint()
        state = {f"module.{name}": value for name, value in torch.load(path, weights_only=True).items()}
        torch.save({"epoch": 3, "state_dict": state}, path)
        self.same(load_hifics(path, None, Wishes()).model, model)

    def test_decoder_and_clip_apart_in_every_container(self) -> None:
        from safetensors.torch import save_file

        path, model = self.checkpoint()
        torch.save(model.decoder.state_dict(), path)
        self.refused("decoder alone.*--clip", path, None, Wishes())
        plain, safe, script = (self.folder / name for name in ("c.pt", "c.safetensors", "script.pt"))
        torch.save(model.clip.state_dict(), plain)
        save_file(model.clip.state_dict(), str(safe))
        self.script(model.clip, script)
        for clip in (plain, safe, script):
            self.same(load_hifics(path, clip, Wishes()).model, model)

    def script(self, clip: Clip, path: Path) -> None:
        """An archive like the published ones: traced, with the model's parameters under their own names."""

        class Both(Clip):
            def forward(self, image: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
                return self.sentence(ids).sum() + self.visual.conv1(image).sum()

        both = Both(clip.config).eval()
        both.load_state_dict(clip.state_dict())
        both.requires_grad_(False)
        traced = torch.jit.trace(both, (torch.rand(1, 3, 352, 352), torch.tensor([[49406, 5, 49407]])))
        traced.save(str(path))

    def test_half_precision_script_is_read_as_it_is(self) -> None:
        _, model = self.checkpoint()
        path = self.folder / "half.pt"
        self.script(model.clip, path)
        scripted = torch.jit.load(str(path)).half()
        scripted.save(str(path))
        state = read_state(path)
        self.assertEqual(state["visual.proj"].dtype, torch.float16)
        self.assertTrue(torch.equal(load_clip(path).visual.proj, state["visual.proj"].float()))

    def test_hugging_face_names(self) -> None:
        from transformers import CLIPConfig, CLIPModel

        peer = CLIPModel(
            CLIPConfig(
                text_config={"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 1},
                vision_config={
                    "hidden_size": 128,
                    "intermediate_size": 512,
                    "num_hidden_layers": 12,
                    "num_attention_heads": 2,
                    "patch_size": 16,
                },
                projection_dim=64,
            )
        ).eval()
        peer.save_pretrained(self.folder / "peer", safe_serialization=True)
        clip = load_clip(self.folder / "peer" / "model.safetensors").eval()
        ids = torch.tensor([[49406, 320, 736, 49407]])
        with torch.inference_mode():
            wanted = peer.get_text_features(ids)
            wanted = getattr(wanted, "pooler_output", wanted)
            torch.testing.assert_close(clip.sentence(ids), wanted, atol=1e-5, rtol=1e-4)


class TrainedFilm(Folder):
    """The authors' state dict holds both sets of FiLM layers, whichever was trained."""

    def trained(self, variant: str, steps: int, rate: float = 1e-3) -> dict[str, torch.Tensor]:
        """A state dict of which one set was really trained, from torch's initialisation, for some steps of AdamW."""
        from .hifics import HifiCs

        torch.manual_seed(5)
        model = HifiCs(small(), DecoderConfig.over(small(), variant=variant))
        decoder = model.decoder
        taps = [torch.randn(1, 485, 128) for _ in range(5)]
        queries, wanted = torch.randn(4, 64), (torch.rand(4, 1, 352, 352) > 0.5).float()
        optimiser = torch.optim.AdamW(decoder.parameters(), lr=rate)
        for _ in range(steps):
            loss = torch.nn.functional.binary_cross_entropy_with_logits(decoder(taps, queries), wanted)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        return published_names(model)

    def test_really_trained_layers_are_told_from_initial_ones(self) -> None:
        for variant in (SINGLE, PER_LEVEL):
            self.assertEqual(trained_variant(self.trained(variant, 6))[0], variant)

    def test_half_precision_and_other_widths(self) -> None:
        for variant in (SINGLE, PER_LEVEL):
            for reduce_cond in (None, 24, 256):
                config = DecoderConfig.over(small(), variant=variant, reduce_cond=reduce_cond)
                state = published_names(random_hifics(small(), config, seed=7))
                halved = {name: value.half() for name, value in state.items()}
                self.assertEqual(trained_variant(halved)[0], variant)

    def test_what_does_not_decide_is_refused_unless_the_variant_is_said(self) -> None:
        path = self.folder / "weights.pth"
        both = self.trained(SINGLE, 6)
        both.update({name: value for name, value in self.trained(PER_LEVEL, 6).items() if name.startswith("film_")})
        for name in ("film_mul.weight", "film_add.weight"):
            both[name] = both[name] * 1.5
        for state in (self.trained(SINGLE, 0), both):
            torch.save(state, path)
            self.refused(r"do not tell which were trained.*--variant single.*or per-level", path, None, Wishes())
            for variant in (SINGLE, PER_LEVEL):
                loaded = load_hifics(path, None, Wishes(variant=variant))
                self.assertEqual(loaded.model.decoder.config.variant, variant)

    def test_the_note_says_why(self) -> None:
        path = self.folder / "weights.pth"
        torch.save(self.trained(SINGLE, 6), path)
        self.assertIn("taken as single", " ".join(load_hifics(path, None, Wishes()).notes))


class Refusing(Folder):
    def saved(self, change) -> Path:
        model = random_hifics(small(), DecoderConfig.over(small(), variant=PER_LEVEL))
        state = published_names(model)
        change(state)
        path = self.folder / "weights.pth"
        torch.save(state, path)
        return path

    def test_a_wrong_shape_names_tensor_found_and_wanted(self) -> None:
        path = self.saved(lambda s: s.update({"film_mul_2.weight": torch.randn(64, 32)}))
        self.refused(r"film_mul_2\.weight has shape \[64, 32\], wanted \[64, 64\]", path, None, Wishes())
        path = self.saved(lambda s: s.update({"model.conv1.weight": torch.zeros(128, 3, 16, 8)}))
        self.refused(r"visual\.conv1\.weight has shape", path, None, Wishes())

    def test_a_missing_tensor_is_named(self) -> None:
        path = self.saved(lambda s: s.pop("blocks.3.norm2.bias"))
        self.refused(r"blocks\.3\.norm2\.bias is missing, wanted with shape \[64\]", path, None, Wishes())

    def test_the_wrong_variant_is_named(self) -> None:
        path = self.saved(lambda s: [s.pop(f"film_{kind}.{part}") for kind in ("mul", "add") for part in ("weight", "bias")])
        self.refused(r"film_mul\.weight is missing.*--variant per-level", path, None, Wishes(variant=SINGLE))

    def test_what_is_not_finite(self) -> None:
        path = self.saved(lambda s: s["trans_conv.bias"].fill_(float("nan")))
        self.refused(r"trans_conv\.bias holds numbers that are not finite", path, None, Wishes())

    def test_a_pickle_that_would_run_code(self) -> None:
        ran = self.folder / "ran"

        class Evil:
            def __reduce__(self):
                return os.mkdir, (str(ran),)

        path = self.folder / "evil.pth"
        torch.save({"film_mul.weight": Evil()}, path)
        self.refused("more than tensors", path, None, Wishes())
        torch.save({"weights": torch.zeros(1), "note": "text"}, path)
        self.refused("note is a str", path, None, Wishes())
        torch.save(random_hifics(small(), DecoderConfig.over(small())).decoder, path)  # a whole module
        self.refused("more than tensors", path, None, Wishes())
        script = self.folder / "evil.pt"
        stream = io.BytesIO()
        import pickle

        pickle.dump(Evil(), stream, protocol=2)
        with zipfile.ZipFile(script, "w") as archive:
            archive.writestr("evil/data.pkl", stream.getvalue())
            archive.writestr("evil/constants.pkl", stream.getvalue())
            archive.writestr("evil/code/model.py", "")
        self.refused("refused", script, None, Wishes())
        self.assertFalse(ran.exists())

    def test_half_a_file_and_no_file(self) -> None:
        path = self.saved(lambda s: None)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        self.refused("cut short|damaged", path, None, Wishes())
        path.write_bytes(b"")
        self.refused("no PyTorch weights file", path, None, Wishes())
        path.write_bytes(b"hello" * 100)
        self.refused("weights file|more than tensors", path, None, Wishes())
        self.refused("not a file", self.folder / "nowhere", None, Wishes())


class Writing(unittest.TestCase):
    """Each precision against PyTorch, on ONNX Runtime for Python (the same for Node is in test/unit)."""

    def test_blocks_after_the_last_tap_are_cut(self) -> None:
        config = small()
        self.assertGreater(config.layers, 5)
        model = random_hifics(config, DecoderConfig.over(config, taps=(1, 3)))
        names = {name.split(".")[1] for name in encoder_graph(model, Precision(FP32)).initialisers if name.startswith("blocks.")}
        self.assertEqual(names, {"0", "1", "2", "3"})

    def test_every_variant_and_precision(self) -> None:
        tokenizer = ReferenceTokenizer(read_merges())
        for patch in (16, 14):
            for changes in ({"variant": SINGLE}, {"variant": PER_LEVEL, "reduce_cond": 24, "deepest_first": False}):
                model = random_hifics(small(patch), DecoderConfig.over(small(patch), **changes))
                measure = Measure(model, tokenizer)
                for kind, least in ((FP32, 0.999), (FP16, 0.99), (INT8, 0.99)):
                    with self.subTest(patch=patch, kind=kind, **changes):
                        chosen = choose(kind, model, measure, lambda text: None)
                        self.assertIsNotNone(chosen)
                        self.assertGreaterEqual(chosen.agreement.agreement, least)
                        if kind == FP32:
                            self.assertLess(chosen.agreement.largest, 1e-3)
                both = np.mean([(logits < 0).mean() for logits in measure.expected])
                self.assertTrue(0.02 < both < 0.98, f"the masks would be trivial: {both}")


class Vocabulary(unittest.TestCase):
    def test_size_and_known_ids(self) -> None:
        merges = read_merges()
        self.assertEqual(len(merges), MERGES)
        words = vocabulary(merges)
        self.assertEqual(len(words), 49408)
        # Ids every CLIP tokenizer gives for these words.
        self.assertEqual((words["a</w>"], words["photo</w>"], words["cat</w>"]), (320, 1125, 2368))
        encoded = ReferenceTokenizer(merges).encode("a photo of a cat")
        self.assertEqual(encoded, [49406, 320, 1125, 539, 320, 2368, 49407])

    def test_a_long_sentence_keeps_its_end_token(self) -> None:
        ids = ReferenceTokenizer(read_merges()).encode("red " * 200)
        self.assertEqual((len(ids), ids[-1]), (77, 49407))


if __name__ == "__main__":
    unittest.main()
