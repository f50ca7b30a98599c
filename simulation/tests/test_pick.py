"""The node and the cell together, over DDS: a query lifts an object, and stops and faults end a motion as they should."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from client import HOME, Client, Process, Running, wait_for
from grasp_grounding_interfaces.action import Grasp
from run_scenes import RAISED, Driver, start_node
from std_msgs.msg import Empty
from std_srvs.srv import SetBool, Trigger

SUCCEEDED, CANCELED, ABORTED = 4, 5, 6
#: Over DDS, from the order to the end of the commanded motion. The promise is 0.1 s; a machine under test may be busy.
STOPPED = 0.2
#: Lease of one heartbeat; a busy machine may delay the heartbeat thread for longer than the default allows.
LEASE = 0.8
#: Where the measured times go, for docs/simulation.md.
measured: dict[str, float] = {}


def ready(driver: Driver) -> None:
    """Waits until a grasp can be planned, which needs camera, TF and the arm."""
    wait_for("the node's action", driver.grasper.server_is_ready, 60)
    until = time.monotonic() + 40
    while not driver.grasp("pick up the soup can", execute=False)[0].result.success:
        assert time.monotonic() < until


@pytest.fixture(scope="module")
def driver(client: Client, truth: Path) -> Iterator[Driver]:
    driver = Driver(truth)
    yield driver
    driver.leave()
    print({name: round(seconds, 3) for name, seconds in measured.items()})


@pytest.fixture(scope="module")
def node(driver: Driver, truth: Path) -> Iterator[Process]:
    process = start_node("oracle", truth)
    ready(driver)
    yield process
    assert process.stop(signal.SIGTERM) == 0


@pytest.fixture(autouse=True)
def fresh(driver: Driver) -> None:
    driver.set("fault", "none")
    driver.scene(0)


def call(driver: Driver, kind: type, name: str, request: object) -> object:
    client = driver.create_client(kind, f"/grasp_grounding/{name}")
    wait_for(name, client.service_is_ready)
    answer = driver.wait(client.call_async(request))
    driver.destroy_client(client)
    return answer


def moving(driver: Driver) -> Running:
    """A running grasp, its arm in motion."""
    goal = Grasp.Goal(query="pick up the yellow mug", execute=True, timeout=20.0)
    running = driver.send(driver.grasper, goal)
    driver.history.clear()
    wait_for("motion", lambda: any(abs(v).max() > 0.15 for _, _, v in driver.history[-3:]) or running.result.done(), 30)
    assert not running.result.done(), running.result.result().result.message
    return running


def stopped_after(driver: Driver, asked: float) -> float:
    """Seconds from the order until the commanded motion had ended, by the cell's clock (the same machine's)."""
    done = wait_for("the end of the motion", lambda: driver.cell["stop_done"] if driver.cell["stop_done"] > asked else None)
    return done - asked


def test_a_lost_heartbeat_stops_the_arm(driver: Driver, truth: Path) -> None:
    # The first test: its node must have left before the one that the others share begins.
    process = start_node("oracle", truth, parameters={"hold_to_run": "true", "heartbeat_timeout": str(LEASE)})
    try:
        ready(driver)
        publisher = driver.create_publisher(Empty, "/grasp_grounding/heartbeat", 1)
        held, last = threading.Event(), [0.0]

        def beat() -> None:
            while not held.wait(0.05):
                publisher.publish(Empty())
                last[0] = time.monotonic()

        threading.Thread(target=beat, daemon=True).start()
        running = moving(driver)
        held.set()
        answer = running.wait()
        after = stopped_after(driver, last[0])
        measured["heartbeat lost"] = after - LEASE
        assert measured["heartbeat lost"] < STOPPED
        assert not answer.result.success and "heartbeat" in answer.result.message
    finally:
        assert process.stop() == 0


def test_a_query_lifts_the_object_it_names(node: Process, driver: Driver) -> None:
    answer, stages = driver.grasp("pick up the yellow mug")
    assert answer.result.success, answer.result.message
    assert answer.status == SUCCEEDED
    names = [stage for _, stage in stages]
    assert [n for n in names if n in ("grounding", "planning", "approach", "grasp", "lift")] == [
        "grounding", "planning", "approach", "grasp", "lift",
    ]  # fmt: skip
    time.sleep(0.6)
    driver.update()
    held = [t["name"] for t in driver.cell["things"] if t["raised"] > RAISED and t["touched_by"]]
    assert held == ["yellow mug"]


def test_an_absent_object_is_not_picked_up(node: Process, driver: Driver) -> None:
    answer, _ = driver.grasp("pick up the green bottle")
    assert answer.status == ABORTED and not answer.result.success
    assert "not" in answer.result.message
    assert abs(driver.history[-1][1] - HOME).max() < 0.01


def test_cancelling_stops_the_arm(node: Process, driver: Driver) -> None:
    running = moving(driver)
    asked = time.monotonic()
    running.cancel()
    measured["cancel"] = stopped_after(driver, asked)
    assert running.wait().status == CANCELED
    assert measured["cancel"] < STOPPED


def test_an_emergency_stop_stops_the_arm_and_latches(node: Process, driver: Driver) -> None:
    running = moving(driver)
    client = driver.create_client(SetBool, "/grasp_grounding/estop")
    wait_for("~/estop", client.service_is_ready)
    asked = time.monotonic()
    client.call_async(SetBool.Request(data=True))
    measured["e-stop"] = stopped_after(driver, asked)
    answer = running.wait()
    assert not answer.result.success and "stop" in answer.result.message
    assert measured["e-stop"] < STOPPED
    refused, _ = driver.grasp("pick up the soup can")
    assert not refused.result.success and "stop" in refused.result.message
    driver.wait(client.call_async(SetBool.Request(data=False)))
    assert call(driver, Trigger, "reset", Trigger.Request()).success
    driver.scene(0)
    answer, _ = driver.grasp("pick up the soup can")
    assert answer.result.success, answer.result.message


@pytest.mark.parametrize(("fault", "words"), [("frozen", "left the trajectory"), ("reject", "did not accept")])
def test_a_controller_that_fails_is_named_and_the_arm_recovers(
    node: Process, driver: Driver, fault: str, words: str
) -> None:
    driver.set("fault", fault)
    answer, _ = driver.grasp("pick up the soup can")
    assert not answer.result.success and words in answer.result.message
    driver.set("fault", "none")
    driver.scene(0)
    call(driver, Trigger, "reset", Trigger.Request())
    answer, _ = driver.grasp("pick up the soup can")
    assert answer.result.success, answer.result.message
