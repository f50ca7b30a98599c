"""A cell on a ROS domain of this run's own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]
os.environ.setdefault("ROS_DOMAIN_ID", str(20 + os.getpid() % 180))
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import rclpy  # noqa: E402
from client import Client, Process, start_cell  # noqa: E402


@pytest.fixture(scope="session")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the cell writes what its pictures truly show."""
    return tmp_path_factory.mktemp("truth")


@pytest.fixture(scope="session")
def cell(truth: Path) -> Iterator[Process]:
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
