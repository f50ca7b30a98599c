"""The cell's images as a data set: its queries are about objects that are there, or are not."""

from __future__ import annotations

from cell_images import asked_of, look
from table import build, candidates


def test_queries_are_about_objects_that_are_there_or_are_not() -> None:
    world = build(1, 1)
    colour, shown, alone = look(world)
    rows = asked_of(world, 1, shown, alone, 2)
    there = {each.asset.id: k for k, each in enumerate(world.objects)}
    present = [r for r in rows if "box" in r]
    absent = [r for r in rows if r.get("absent")]
    assert len(present) >= 2 and len(absent) == 2
    assert [r["asked"] for r in present].count("target") == 1
    for row in present:
        x1, y1, x2, y2 = row["box"]
        index = there[row["object"]]
        # The box holds all of the object, and its edges touch it.
        assert (shown[y1:y2, x1:x2] == index).sum() == (shown == index).sum() <= alone[index]
        for edge in (shown[y1, x1:x2], shown[y2 - 1, x1:x2], shown[y1:y2, x1], shown[y1:y2, x2 - 1]):
            assert (edge == index).any()
        assert colour[y1:y2, x1:x2].std() > 1
    categories = {a.id: a.category for a in candidates()}
    assert not {categories[r["object"]] for r in absent} & {each.asset.category for each in world.objects}
