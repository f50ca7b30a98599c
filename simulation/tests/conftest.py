"""A cell on a ROS domain of this run's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
with pytest.MonkeyPatch.context() as environment:
    # MuJoCo reads it while it is imported; commands that tests start must set it themselves.
    environment.setenv("MUJOCO_GL", os.environ.get("MUJOCO_GL", "osmesa"))
    import mujoco  # noqa: F401
import rclpy
from client import Client, Process, start_cell, use_own_domain


@pytest.fixture(scope="session", autouse=True)
def domain() -> None:
    """Cell, node and client of this run talk to each other alone."""
    use_own_domain()


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder for the true content of the cell's images."""
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(scope="session")
def cell(domain: None, truth: Path) -> Iterator[Process]:
    process = start_cell({"truth": truth})
    yield process
    assert process.stop() == 0


@pytest.fixture(scope="session")
def client(cell: Process) -> Iterator[Client]:
    rclpy.init()
    client = Client()
    yield client
    client.leave()
    rclpy.try_shutdown()
