"""Whole instances: the kernel's arithmetic, what is drawn of a mask, framing of training images."""

from __future__ import annotations

import random

import numpy as np
import torch

from export import CANDIDATES, DecoderGraph, FrameGraph
from features import EfficientNetLite2
from instance_batches import pick_cell
from instance_head import FEATURES, HIDDEN, KERNEL, SIZES, grid, masks_of
from instance_loss import instance_loss, spot_loss
from instances import chosen, different, whole
from model import Config, LiteModel
from views import LEAST_SIDE, framed, mosaic, zoom


def test_masks_of_equals_a_network_over_relative_coordinates() -> None:
    torch.manual_seed(0)
    points = grid(6, 8, 4.0)
    features, kernel, centre = torch.randn(1, FEATURES, 48), torch.randn(1, 1, KERNEL), torch.rand(1, 1, 2) * 4
    x = torch.cat([features[0], points - centre[0, 0][:, None]])
    at = 0
    for out, cin in SIZES:
        weight, bias = kernel[0, 0, at : at + out * cin].reshape(out, cin), kernel[0, 0, at + out * cin : at + out * cin + out]
        at += out * cin + out
        x = weight @ x + bias[:, None]
        x = torch.relu(x) if out == HIDDEN else x
    assert at == KERNEL - 1
    torch.testing.assert_close(masks_of(features, kernel, centre, points)[0, 0], x[0], rtol=1e-4, atol=1e-4)


def test_an_instance_in_two_pieces_is_one_box_without_its_crumbs() -> None:
    p = np.zeros((96, 128), np.float32)
    p[40:60, 20:40] = p[40:60, 50:70] = 0.9
    p[2:4, 100:102] = 0.9
    d = whole(p, 128, 96)
    assert d is not None and d.box == [20, 40, 70, 60]


def test_near_copies_of_a_candidate_are_one_object() -> None:
    masks = np.zeros((3, 96, 128), np.float32)
    masks[0, 10:30, 10:30] = masks[1, 11:31, 10:30] = masks[2, 60:80, 80:100] = 0.9
    mass = np.array([0.3, 0.5, 0.2])
    assert different(masks > 0.5, np.argsort(-mass)) == [1, 2]
    found = chosen(masks, mass, 256, 192)
    assert [round(d.score, 2) for d in found] == [0.5, 0.2]


def test_candidates_come_out_of_the_graphs() -> None:
    torch.manual_seed(1)
    model = LiteModel(Config(d=32, heads=2, feed_forward=32, blocks=1, d16=16, d8=8, instances=True), 12, 16, torch.randn(1000, 384)).eval()
    with torch.no_grad():
        frame = FrameGraph(EfficientNetLite2().eval(), model.frame, model.instances)(torch.randn(1, 3, 384, 512))
        out = DecoderGraph(model, 1.0, 1.0, 0.0)(*frame, torch.randn(2, 5, 768), torch.ones(2, 5, dtype=torch.int64))
    logits, presence, masks, mass, quality = out
    assert masks.shape == (2, CANDIDATES, 96, 128) and mass.shape == quality.shape == (2, CANDIDATES)
    assert logits.shape == (2, 1, 96, 128) and presence.shape == (2,)
    assert float(mass.min()) >= 0 and float(mass.max()) <= 1 + 1e-5


def test_losses_are_finite_for_absent_objects_and_lowest_at_the_truth() -> None:
    target = torch.zeros(2, 96, 128)
    target[0, 30:60, 40:80] = 1
    present = torch.tensor([True, False])
    spot = torch.zeros(2, 768)
    low = spot.clone().reshape(2, 24, 32)
    low[0, 8:15, 10:20] = 9
    assert torch.isfinite(spot_loss(spot, target, present))
    assert spot_loss(low.reshape(2, 768), target, present) < spot_loss(spot, target, present)
    right, wrong = (target * 2 - 1) * 9, (1 - target * 2) * 9
    known, quality = torch.tensor([True, True]), torch.zeros(2)
    assert instance_loss(right, quality, target, known, present) < instance_loss(wrong, quality, target, known, present)


def sample() -> tuple[np.ndarray, dict, list]:
    rgb = np.full((300, 400, 3), 120, np.uint8)
    mask = np.zeros((300, 400), np.uint8)
    mask[100:160, 150:230] = 1
    o = {"name": "mug", "names": ["mug"], "box": [150.0, 100.0, 230.0, 160.0], "target": True, "graspable": True, "has_mask": True, "visible": 1.0, "colours": []}
    return rgb, {"image": "a.jpg", "width": 400, "height": 300, "source": "x", "complete": True, "objects": [o]}, [mask]


def test_framing_moves_boxes_with_their_masks() -> None:
    for seed in range(60):
        rgb, line, masks = framed(sample, random.Random(seed))
        assert rgb.shape[:2] == (line["height"], line["width"]) and min(rgb.shape[:2]) >= LEAST_SIDE
        for o, m in zip(line["objects"], masks):
            ys, xs = np.nonzero(m)
            assert np.allclose(o["box"], [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1], atol=2.5)


def test_zoom_keeps_the_object_mostly_in_view() -> None:
    for seed in range(40):
        rgb, line, masks = sample()
        zoom(line, rgb, masks, random.Random(seed))
        assert line["objects"] and line["objects"][0]["visible"] > 0.3


def test_a_mosaic_denies_only_what_all_its_images_deny() -> None:
    parts = [sample() for _ in range(4)]
    parts[0][1]["absent_nouns"] = ["hammer", "pen"]
    _, line, masks = mosaic(parts, random.Random(0))
    assert len(line["objects"]) == len(masks) == 4 and set(line["absent_nouns"]) <= {"hammer", "pen"} and not line["complete"]


def test_cells_lie_on_the_object() -> None:
    mask = np.zeros((96, 128), np.uint8)
    mask[40:48, 60:72] = 255
    cells = {pick_cell(mask, random.Random(s)) for s in range(20)}
    assert cells <= {r * 32 + c for r in (10, 11) for c in (15, 16, 17)} and pick_cell(np.zeros_like(mask), random.Random(0)) == -1
