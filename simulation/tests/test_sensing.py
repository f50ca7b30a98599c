"""The scenes' camera: its mounts, its kinds of depth, and surfaces that it measures badly."""

from __future__ import annotations

import numpy as np
import pytest

from sensing import CLEAR, MOUNTS, POSES, SHINY, Sensing, draw_pose, measure

FAR, NEAR = 0.8, 0.7


@pytest.fixture
def block() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True depth of a block on a table seen from above, the table's depth, and the block's pixels."""
    table = np.full((240, 320), FAR, np.float32)
    objects = np.zeros(table.shape, bool)
    objects[60:180, 80:240] = True
    return np.where(objects, NEAR, table).astype(np.float32), table, objects


@pytest.mark.parametrize("kind", ["stereo", "time-of-flight"])
def test_opaque_surfaces_are_measured_within_millimetres(block, kind: str) -> None:
    depth, table, objects = block
    seen = measure(Sensing(depth=kind), depth, table, objects, np.random.default_rng(1))
    inner = np.zeros_like(objects)
    inner[70:170, 90:230] = True
    error = np.abs(seen - depth)[inner]
    assert 0.0003 < np.nanmedian(error) < 0.004
    assert np.isnan(seen[inner]).mean() < 0.05


def test_shiny_surfaces_have_holes_and_the_table_has_none_of_them(block) -> None:
    depth, table, objects = block
    seen = measure(Sensing(surface="shiny"), depth, table, objects, np.random.default_rng(1))
    assert np.isnan(seen[objects]).mean() > 0.5 * SHINY
    assert np.isnan(seen[:50]).mean() < 0.05


def test_through_clear_surfaces_the_table_is_measured(block) -> None:
    depth, table, objects = block
    seen = measure(Sensing(surface="clear"), depth, table, objects, np.random.default_rng(1))
    through = np.abs(seen - FAR) < 0.02
    assert 0.5 * CLEAR < through[objects].mean() < 1.5 * CLEAR


@pytest.mark.parametrize("mount", MOUNTS)
def test_mounts_look_from_where_they_say(mount: str) -> None:
    rng = np.random.default_rng(1)
    (low, high), one, more = POSES[mount]
    for several, distances in ((False, one), (True, more)):
        elevation, _, distance = draw_pose(Sensing(mount), several, rng)
        assert low <= np.degrees(elevation) <= high
        assert distances[0] <= distance <= distances[1]
