"""The trained model's parts: encoders against what they must know, the decoder's shapes, losses, and the ONNX twins.

    python -m unittest discover -s models/training/tests -p "test_model*.py"
"""

from __future__ import annotations

import random
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import onnx
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import export  # noqa: E402
import train  # noqa: E402
from data import choose_queries  # noqa: E402
from features import HEIGHT, WIDTH, EfficientNetLite2, imagenet_names, load_encoder  # noqa: E402
from instances import detections, iou  # noqa: E402
from losses import mask_loss, place_loss  # noqa: E402
from model import Config, LiteModel  # noqa: E402
from prepare import small_mask  # noqa: E402
from queries import Query  # noqa: E402
from text import class_embeddings, encode_texts, load_text, load_tokenizer  # noqa: E402

GRID = HEIGHT // 32, WIDTH // 32


def tiny_model() -> LiteModel:
    torch.manual_seed(0)
    classes = torch.nn.functional.normalize(torch.randn(1000, 384), dim=-1)
    return LiteModel(Config(), *GRID, classes).eval()


def frame_inputs(pictures: int) -> tuple[dict[str, torch.Tensor], torch.Tensor]:
    h, w = GRID
    sizes = {"s8": (48, 4), "s16b": (120, 2), "s32a": (208, 1), "s32b": (352, 1)}
    maps = {k: torch.randn(pictures, c, f * h, f * w) for k, (c, f) in sizes.items()}
    return maps, torch.randn(pictures, 1000, h, w)


class Encoders(unittest.TestCase):
    def test_dense_logits_average_to_the_classifier(self) -> None:
        net = load_encoder()
        x = torch.rand(1, 3, 128, 160) * 2 - 1
        dense = net.dense_logits(net(x)["s32b"])
        torch.testing.assert_close(dense.mean((2, 3)), net.classify(x), rtol=1e-3, atol=1e-3)

    def test_a_drawn_orange_is_more_like_an_orange_than_a_minivan(self) -> None:
        # An orange disc on white, with a little noise.
        y, x = np.mgrid[0:320, 0:320]
        picture = np.full((320, 320, 3), 245, np.float32)
        picture[(x - 160) ** 2 + (y - 175) ** 2 < 90**2] = (235, 130, 20)
        picture += np.random.default_rng(0).normal(0, 4, picture.shape)
        tensor = torch.tensor((picture - 127) / 128, dtype=torch.float32).permute(2, 0, 1)[None]
        logits = load_encoder().classify(tensor)[0]
        names = [n[0] for n in imagenet_names()]
        self.assertGreater(float(logits[names.index("orange")]), float(logits[names.index("minivan")]))

    def test_sentences_that_mean_alike_are_near(self) -> None:
        _, s = encode_texts(load_text(), ["a man plays guitar", "someone plays an instrument", "a dog eats"])
        self.assertGreater(float(s[0] @ s[1]), 0.6)
        self.assertLess(float(s[0] @ s[2]), 0.2)

    def test_padding_does_not_change_the_words(self) -> None:
        net = load_text()
        short = "the red mug"
        alone, _ = encode_texts(net, [short])
        beside, _ = encode_texts(net, [short, "the small blue cup between the bottle and the can on the left"])
        torch.testing.assert_close(alone[0], beside[0], rtol=1e-4, atol=1e-3)

    def test_class_names_meet_everyday_words(self) -> None:
        net = load_text()
        names = imagenet_names()
        self.assertEqual(len(names), 1000)
        vectors = class_embeddings(net, names[:10] + [["coffee mug"]])
        _, mug = encode_texts(net, ["mug"])
        self.assertEqual(int((mug @ vectors.T).argmax()), 10)

    def test_tokenizer_cuts_and_does_not_pad(self) -> None:
        ids = load_tokenizer().encode("cup " * 100).ids
        self.assertEqual(len(ids), 32)
        self.assertEqual(load_tokenizer().encode("The Red Mug").tokens, ["[CLS]", "the", "red", "mug", "[SEP]"])


class DecoderShapes(unittest.TestCase):
    def test_queries_of_several_pictures_equal_those_of_each_alone(self) -> None:
        model = tiny_model()
        maps, logits = frame_inputs(2)
        tokens, mask = torch.randn(6, 9, 768), torch.ones(6, 9, dtype=torch.int64)
        mask[1, 5:] = 0
        with torch.no_grad():
            both = model.decoder(model.frame(maps, logits), tokens, mask)
            for b in range(2):
                one = {k: v[b : b + 1] for k, v in maps.items()}
                part = slice(3 * b, 3 * b + 3)
                got = model.decoder(model.frame(one, logits[b : b + 1]), tokens[part], mask[part])
                for name in ("logits", "place", "presence"):
                    torch.testing.assert_close(got[name], both[name][part], rtol=1e-3, atol=1e-3)
        self.assertEqual(tuple(both["logits"].shape), (6, 1, HEIGHT // 4, WIDTH // 4))

    def test_every_switch_of_the_configuration_runs(self) -> None:
        maps, logits = frame_inputs(1)
        for name in ("cross_attention", "coordinates", "zero_shot_maps", "location_prior"):
            model = LiteModel(Config(**{name: False}), *GRID, torch.randn(1000, 384)).eval()
            with torch.no_grad():
                out = model.decoder(model.frame(maps, logits), torch.randn(2, 5, 768), torch.ones(2, 5))
            self.assertTrue(bool(torch.isfinite(out["logits"]).all()), name)


class Losses(unittest.TestCase):
    def test_the_right_place_costs_less(self) -> None:
        target = torch.zeros(1, HEIGHT // 4, WIDTH // 4)
        target[0, 16:32, 32:48] = 1
        right = torch.full((1, *GRID), -4.0)
        right[0, 2:4, 4:6] = 4
        wrong = torch.roll(right, 5, dims=2)
        present = torch.ones(1)
        self.assertLess(
            float(place_loss(right.flatten(1), target, present)), float(place_loss(wrong.flatten(1), target, present))
        )

    def test_a_box_alone_does_not_ask_for_a_filled_box(self) -> None:
        target = torch.zeros(1, 96, 128)
        target[0, 20:60, 30:90] = 1
        cross = torch.full((1, 96, 128), -8.0)
        cross[0, 39:41, 30:90] = 8
        cross[0, 20:60, 59:61] = 8
        yes = torch.tensor([True])
        objects = torch.zeros_like(target)
        by_box = mask_loss(cross, target, objects, yes, torch.tensor([False]))
        by_mask = mask_loss(cross, target, objects, yes, yes)
        self.assertLess(float(by_box), 0.1)
        self.assertGreater(float(by_mask), 0.5)


class Instances(unittest.TestCase):
    def test_best_first_and_in_the_pixels_of_the_picture(self) -> None:
        p = np.full((96, 128), 0.05, np.float32)
        p[10:20, 10:30] = 0.7
        p[50:70, 60:90] = 0.95
        found = detections(p, 640, 480)
        self.assertEqual(len(found), 2)
        self.assertGreater(iou(found[0].box, [300, 250, 450, 350]), 0.9)
        self.assertGreater(found[0].score, found[1].score)

    def test_nothing_above_the_threshold_is_nothing(self) -> None:
        self.assertEqual(detections(np.full((96, 128), 0.3), 640, 480), [])

    def test_small_mask_keeps_the_area_share(self) -> None:
        mask = np.zeros((480, 640), np.uint8)
        mask[100:200, 100:300] = 1
        small = small_mask(mask, [100, 100, 300, 200], 640, 480)
        self.assertAlmostEqual(small.mean() / 255, mask.mean(), delta=0.002)


class OnnxTwins(unittest.TestCase):
    def test_the_exported_graphs_agree_with_pytorch(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            differences = export.export_all(tiny_model(), load_encoder(), load_text(), Path(folder), dict(export.NEUTRAL))
            manifest = export.manifest(Path(folder), dict(export.NEUTRAL), {})
            total = sum(f.stat().st_size for f in Path(folder).iterdir())
            kinds = {n.op_type for n in onnx.load(str(Path(folder) / "encoder.onnx")).graph.node}
        self.assertLess(differences["probability"], 0.03)
        self.assertLess(differences["presence"], 0.03)
        self.assertGreater(differences["sentence_cosine"], 0.998)
        self.assertLess(differences["one_against_many"], 1e-3)
        self.assertLess(total, 60e6)
        self.assertNotIn("Pad", kinds)
        self.assertEqual(manifest["decoder"]["inputs"][-2:], ["tokens", "attention_mask"])


class Tuning(unittest.TestCase):
    def test_what_of_the_encoder_learns(self):
        net = EfficientNetLite2().eval().requires_grad_(False)
        tuned = train.tuned_copy(net)
        self.assertFalse(train.learns(net))
        learning = {name.split(".")[0] + "." + name.split(".")[1] for name, p in tuned.named_parameters() if p.requires_grad}
        self.assertEqual(learning, {f"blocks.{i}" for i in range(train.FIRST_TUNED, len(tuned.blocks))})

    def test_holding_costs_nothing_until_something_moves(self):
        torch.manual_seed(0)
        net = EfficientNetLite2().eval().requires_grad_(False)
        tuned = train.tuned_copy(net)
        source = train.Source.__new__(train.Source)
        source.device, source.encoder = torch.device("cpu"), net
        batch = {"images": torch.randint(0, 255, (1, 64, 64, 3), dtype=torch.uint8)}
        loss = train.hold_loss(source, tuned, net, batch, source.maps(batch, tuned))
        self.assertAlmostEqual(loss.item(), 0, places=4)
        with torch.no_grad():
            tuned.blocks[-1].project.conv.bias += 3
        loss = train.hold_loss(source, tuned, net, batch, source.maps(batch, tuned))
        self.assertGreater(loss.item(), 1e-4)
        loss.backward()
        self.assertIsNotNone(tuned.blocks[train.FIRST_TUNED].project.conv.weight.grad)

    def test_weak_kinds_come_more_often(self):
        def generate(line, rng, count):
            return [Query(f"{kind} {i}", [0], kind) for i in range(count // 2) for kind in ("name", "ordinal")]

        rng = random.Random(0)
        drawn = [text.split()[0] for _ in range(300) for text, _ in choose_queries(generate, {}, rng, 4)]
        self.assertGreater(drawn.count("ordinal"), 1.3 * drawn.count("name"))


if __name__ == "__main__":
    unittest.main()
