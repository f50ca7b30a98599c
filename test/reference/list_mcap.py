"""Prints {topic: [type, count, frame ids]} of an MCAP as PyPI mcap-ros2-support decodes it."""

import json
import sys

from mcap_ros2.reader import read_ros2_messages

topics: dict = {}
for item in read_ros2_messages(sys.argv[1]):
    entry = topics.setdefault(item.channel.topic, [item.schema.name, 0, []])
    entry[1] += 1
    header = getattr(item.ros_msg, "header", None)
    if header is not None and header.frame_id not in entry[2]:
        entry[2].append(header.frame_id)
print(json.dumps(topics))
