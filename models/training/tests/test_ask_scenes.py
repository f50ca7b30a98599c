"""Scenes in which a name is asked for: one object bears it, or two do, by the scene's metadata alone."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from ask_scenes import may_bear, rows_of  # noqa: E402


def thing(names: list[str], at: int, asset: str | None = None, category: str = "object", **more: object) -> dict:
    return {"names": names, "category": category, "asset": asset or names[0], "box": [at, 0, at + 40, 40], "target": True, "visible": 0.9, "area": 1600, **more}


def rows(*things: dict) -> list[dict]:
    return rows_of({"image": "images/test_00001_0.jpg", "objects": list(things)}, random.Random(1))


@pytest.mark.parametrize(
    "names,noun,may",
    [
        (["pan", "frying pan"], "dish", True),
        (["wine glass", "glass"], "cup", True),
        (["carton", "milk carton"], "box", True),
        (["plate", "dish"], "dinner plate", True),
        (["bowl"], "plate", False),
        (["soda can", "can"], "soup can", False),
        (["cereal box", "box"], "candy box", False),
    ],
)
def test_what_people_may_call_an_object(names: list[str], noun: str, may: bool) -> None:
    assert may_bear(thing(names, 0), noun) is may


def test_two_objects_of_a_name_make_one_query_and_their_boxes_are_wanted() -> None:
    pairs = [row for row in rows(thing(["mug", "cup"], 0), thing(["mug", "cup"], 100), thing(["banana"], 200)) if row["kind"] == "ambiguous"]
    assert len(pairs) == 1
    assert pairs[0]["equal"] is True
    assert pairs[0]["want"] == [[[0, 0, 40, 40], [100, 0, 140, 40]]]
    other = [row for row in rows(thing(["mug"], 0, "red"), thing(["mug"], 100, "blue")) if row["kind"] == "ambiguous"]
    assert other[0]["equal"] is False


def test_one_object_is_asked_for_where_no_other_could_be_meant() -> None:
    assert [row["want"] for row in rows(thing(["bowl", "dish"], 0), thing(["banana"], 100, visible=0.3)) if row["query"].endswith("bowl")] in ([], [[[[0, 0, 40, 40]]]])
    for seed in range(20):
        scene = {"image": "images/test_00001_0.jpg", "objects": [thing(["bowl", "dish"], 0), thing(["pan", "frying pan"], 100)]}
        assert not any(row["query"].endswith("dish") for row in rows_of(scene, random.Random(seed)))


def test_objects_that_are_hardly_seen_are_not_asked_for_and_still_count_as_others() -> None:
    hidden = thing(["mug"], 100, visible=0.2)
    assert rows(thing(["mug"], 0), hidden) == []
