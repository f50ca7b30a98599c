"""Messages as JSON, and the pieces that messages and topics are made of."""

from __future__ import annotations

import base64
from array import array
from typing import Any

import numpy as np
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import Header


def plain(value: Any) -> Any:
    """A message as JSON: byte arrays as base64."""
    if hasattr(value, "get_fields_and_field_types"):
        return {name: plain(getattr(value, name)) for name in value.get_fields_and_field_types()}
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(bytes(value)).decode()
    if isinstance(value, array) and value.typecode == "B":
        return base64.b64encode(value.tobytes()).decode()
    if isinstance(value, (list, tuple, array, np.ndarray)):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def qos(reliability: str, depth: int = 5, latched: bool = False) -> QoSProfile:
    """Quality of service by name."""
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.BEST_EFFORT if reliability == "best_effort" else ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def header_at(nanoseconds: int, frame_id: str) -> Header:
    """A header of a stamp in nanoseconds."""
    header = Header(frame_id=frame_id)
    header.stamp.sec, header.stamp.nanosec = divmod(nanoseconds, 1_000_000_000)
    return header
