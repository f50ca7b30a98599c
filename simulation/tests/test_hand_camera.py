"""The cell with its camera on the hand, over DDS: the arm looks from a second place, takes the object, and stops in between."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import rclpy
from client import Process, Running, start_cell, wait_for
from grasp_grounding_interfaces.action import Grasp
from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.context import Context
from run_scenes import HAND_EYE, RAISED, Driver, start_node
from std_srvs.srv import SetBool, Trigger

SUCCEEDED, CANCELED, ABORTED = 4, 5, 6
#: Not the domain of the cell with the fixed camera, which may run at the same time.
DOMAIN = 17
HOME_WITH_CAMERA = np.array([0.0, -1.238563, 0.0, -2.568721, 0.0, 1.724949, 0.785398])


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Driver, Process]]:
    """Cell, node with true masks, and their driver."""
    truth = tmp_path_factory.mktemp("truth")
    context = Context()
    rclpy.init(context=context, domain_id=DOMAIN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(DOMAIN))
        patch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
        cell = start_cell({"truth": truth, "camera": "hand"})
        node = start_node("oracle", truth, parameters={"hand_eye_file": str(HAND_EYE)})
        driver = Driver(truth, context)
        try:
            wait_for("the node's action", driver.grasper.server_is_ready, 60)
            until = time.monotonic() + 40
            while not driver.grasp("pick up the soup can", execute=False)[0].result.success:
                assert time.monotonic() < until
            yield driver, node
        finally:
            driver.leave()
            ended = node.stop(signal.SIGTERM), cell.stop()
            context.try_shutdown()
        assert ended == (0, 0)


@pytest.fixture
def driver(world: tuple[Driver, Process]) -> Driver:
    driver, _ = world
    driver.scene(0)
    second_view(driver, "always")
    return driver


def second_view(driver: Driver, value: str) -> None:
    client = driver.create_client(SetParameters, "/grasp_grounding/set_parameters")
    wait_for("the node's parameters", client.service_is_ready)
    parameter = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=value)
    answer = driver.wait(client.call_async(SetParameters.Request(parameters=[Parameter(name="second_view", value=parameter)])))
    driver.destroy_client(client)
    assert answer.results[0].successful, answer.results[0].reason


def held(driver: Driver) -> list[str]:
    time.sleep(0.6)
    driver.update()
    return [t["name"] for t in driver.cell["things"] if t["raised"] > RAISED and t["touched_by"]]


def off_home(driver: Driver) -> float:
    """How far the joint that is farthest from the arm's rest is from there, in radians."""
    return float(np.abs(driver.history[-1][1] - HOME_WITH_CAMERA).max())


def test_the_arm_looks_from_a_second_place_takes_the_object_and_comes_home(driver: Driver) -> None:
    driver.history.clear()
    answer, stages = driver.grasp("pick up the yellow mug")
    assert answer.result.success, answer.result.message
    assert "seen from a second place" in answer.result.message
    names = [stage for _, stage in stages]
    assert [n for n in names if n in ("viewing", "approach", "grasp", "lift", "verifying")] == [
        "viewing", "approach", "grasp", "lift", "verifying",
    ]  # fmt: skip
    assert names[names.index("viewing") + 1] == "waiting_for_frame"
    assert held(driver) == ["yellow mug"]
    assert off_home(driver) < 0.05


def test_grasps_of_two_images_are_where_the_object_is(driver: Driver) -> None:
    """A camera on the hand: one wrong transform, and the grasps are elsewhere."""
    answer, _ = driver.grasp("pick up the red apple")
    assert answer.result.success, answer.result.message
    assert answer.result.grounding.header.frame_id == "camera_color_optical_frame"
    assert held(driver) == ["red apple"]


def test_one_image_is_enough_where_it_is_switched_off(driver: Driver) -> None:
    second_view(driver, "never")
    answer, stages = driver.grasp("pick up the soup can")
    assert answer.result.success, answer.result.message
    assert "viewing" not in [stage for _, stage in stages]
    assert held(driver) == ["soup can"]


def test_what_is_not_seen_from_either_place_is_not_picked_up(driver: Driver) -> None:
    second_view(driver, "when_unsure")
    answer, stages = driver.grasp("pick up the green bottle")
    assert answer.status == ABORTED
    assert "viewing" in [stage for _, stage in stages]
    assert "not in the image" in answer.result.message
    assert held(driver) == []
    assert off_home(driver) < 0.05


def on_the_way(driver: Driver) -> Running:
    """A goal whose arm moves to the second place."""
    seen: list[str] = []
    goal = Grasp.Goal(query="pick up the yellow mug", execute=True, timeout=20.0)
    running = driver.send(driver.grasper, goal, lambda m: seen.append(m.feedback.stage))
    assert running
    driver.history.clear()
    wait_for("motion", lambda: any(abs(v).max() > 0.15 for _, _, v in driver.history[-3:]) or running.result.done(), 30)
    assert not running.result.done(), running.result.result().result.message
    assert seen[-1] == "viewing"
    return running


def still(driver: Driver) -> None:
    """The arm stands, and goes on standing."""
    wait_for("rest", lambda: all(abs(v).max() < 0.02 for _, _, v in driver.history[-5:]), 2)
    at = driver.history[-1][1]
    time.sleep(1.5)
    assert abs(driver.history[-1][1] - at).max() < 0.01


def test_a_cancel_on_the_way_to_the_second_place_ends_the_goal_there(driver: Driver) -> None:
    running = on_the_way(driver)
    running.cancel()
    assert running.wait().status == CANCELED
    still(driver)
    assert held(driver) == []


def test_an_emergency_stop_on_the_way_latches(driver: Driver) -> None:
    running = on_the_way(driver)
    client = driver.create_client(SetBool, "/grasp_grounding/estop")
    wait_for("~/estop", client.service_is_ready)
    driver.wait(client.call_async(SetBool.Request(data=True)))
    answer = running.wait()
    assert not answer.result.success and "stop" in answer.result.message
    still(driver)
    driver.wait(client.call_async(SetBool.Request(data=False)))
    assert driver.wait(driver.reset.call_async(Trigger.Request())).success
