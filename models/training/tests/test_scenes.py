"""Colour words against known values, and the procedural makers' meshes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from scenes.colours import NEAR, PALETTE, WORDS, classify, shares, words_of  # noqa: E402
from scenes.things import MAKERS  # noqa: E402


@pytest.mark.parametrize("word", list(PALETTE))
def test_palette_is_called_by_its_words(word: str) -> None:
    for value in PALETTE[word]:
        assert WORDS[int(classify(np.array([value], np.uint8))[0])] == word, value


@pytest.mark.parametrize("rgb,word", [((255, 0, 0), "red"), ((0, 0, 255), "blue"), ((255, 255, 0), "yellow"), ((255, 255, 255), "white"), ((0, 0, 0), "black"), ((128, 128, 128), "gray"), ((255, 140, 0), "orange"), ((0, 128, 0), "green")])
def test_plain_colours(rgb: tuple[int, int, int], word: str) -> None:
    assert WORDS[int(classify(np.array([rgb], np.uint8))[0])] == word


def test_untrue_words_are_dropped_and_shading_forgiven() -> None:
    pixels = np.array([[200, 28, 30]] * 60 + [[90, 18, 16]] * 40, np.uint8)
    assert words_of(shares(pixels), ["red", "blue"]) == ["red"]
    white_in_shade = np.array([[236, 236, 234]] * 15 + [[150, 150, 152]] * 85, np.uint8)
    assert words_of(shares(white_in_shade), ["white"]) == ["white"]


def test_neighbours_are_mutual_enough() -> None:
    assert all(set(v) <= set(WORDS) for v in NEAR.values())


@pytest.mark.parametrize("name", list(MAKERS))
def test_things_are_sound(name: str) -> None:
    for seed in range(6):
        thing = MAKERS[name](np.random.default_rng(seed), seed / 5)
        v = np.concatenate([p.verts for p in thing.parts])
        assert np.isfinite(v).all() and 0.005 < np.ptp(v, axis=0).max() < 0.5
        for p in thing.parts:
            assert p.faces.min() >= 0 and p.faces.max() < len(p.verts)
            if p.uv_faces is not None and p.uv is not None:
                assert p.uv_faces.max() < len(p.uv) and len(p.uv_faces) == len(p.faces)
        assert thing.names and thing.name
        assert set(thing.colours) <= set(WORDS)


SHARED = Path(os.environ.get("GRASP_GROUNDING_SHARED", Path(__file__).resolve().parents[4] / "shared"))


@pytest.mark.skipif(not (SHARED / "assets").exists(), reason="the shared assets are not here")
def test_held_out_parts_are_not_trained_on() -> None:
    from scenes.assets import Assets
    from scenes.draw import U_RANGE

    assets = Assets(SHARED / "assets")
    for get in (
        lambda s: {i for ids in assets.by[s].values() for i in ids},
        lambda s: {t["file"] for ts in assets.textures[s].values() for t in ts},
        lambda s: {Path(b).name.split("_")[0] for b in assets.backgrounds[s]},
    ):
        train, val, test = get("train"), get("val"), get("test")
        assert train and val and test and not (train & val or train & test or val & test)
    assert U_RANGE["train"][1] <= U_RANGE["val"][0] < U_RANGE["val"][1] <= U_RANGE["test"][0]
    for split in ("train", "val", "test"):
        assert {"table", "cloth", "wall", "floor"} <= set(assets.textures[split])


@pytest.mark.skipif(not (SHARED / "data/photos").exists(), reason="the shared photos are not here")
def test_photos_of_one_series_stay_together() -> None:
    import photos

    seen: dict[str, set[str]] = {}
    for text in (SHARED / "data/photos/annotations.jsonl").read_text().splitlines():
        line = json.loads(text)
        seen.setdefault(photos.group_of(line), set()).add(photos.split_of(line))
    assert all(len(s) == 1 for s in seen.values())
    assert {s for v in seen.values() for s in v} == {"train", "val", "test"}
