"""python3 state.py NODE STATE: waits until a lifecycle node is in a state; exit code 1 when it is not within two minutes."""

import sys
import time

import rclpy
from lifecycle_msgs.srv import GetState

name, wanted = sys.argv[1:]
rclpy.init()
node = rclpy.create_node("state")
client = node.create_client(GetState, f"{name}/get_state")
until = time.monotonic() + 120
label = "not there"
while label != wanted and time.monotonic() < until:
    if client.wait_for_service(timeout_sec=1):
        answer = client.call_async(GetState.Request())
        rclpy.spin_until_future_complete(node, answer, timeout_sec=5)
        label = answer.result().current_state.label if answer.done() else "no answer"
    time.sleep(0.2)
print(f"{name}: {label}")
rclpy.try_shutdown()
sys.exit(0 if label == wanted else 1)
