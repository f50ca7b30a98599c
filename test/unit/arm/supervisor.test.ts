import { describe, expect, it } from "vitest";
import {
  type ArmReading,
  defaultLimits,
  type MotionSummary,
  SafetySupervisor,
  type SupervisorEvent,
  type SupervisorLimits,
  safetyText,
} from "../../../src/arm/index.js";

const limits: SupervisorLimits = {
  ...defaultLimits,
  workspace: { min: [-1, -1, 0], max: [1, 1, 1.2] },
  lower: [-2, -2],
  upper: [2, 2],
  velocity: [1, 2],
};

const reading = (over: Partial<ArmReading> = {}): ArmReading => ({
  positions: [0, 0],
  velocities: [0, 0],
  tool: [0.4, 0, 0.5],
  toolSpeed: 0,
  ...over,
});

const summary = (over: Partial<MotionSummary> = {}): MotionSummary => ({
  start: [0, 0],
  minPosition: [0, -1],
  maxPosition: [1, 0],
  maxVelocity: [1, 2],
  toolMin: [0.1, -0.2, 0.1],
  toolMax: [0.5, 0.2, 0.6],
  collisionFree: true,
  ...over,
});

type Undated = SupervisorEvent extends infer E ? (E extends SupervisorEvent ? Omit<E, "at"> : never) : never;

/** A supervisor with a clock; starts enabled, held by "ada", arm at rest, time 0. */
function given(over: Partial<SupervisorLimits> = {}) {
  const supervisor = new SafetySupervisor({ ...limits, ...over });
  let now = 0;
  const send = (event: Undated) => supervisor.handle({ ...event, at: now } as SupervisorEvent);
  const rig = {
    supervisor,
    send,
    pass: (seconds: number) => {
      now += seconds;
    },
    get now() {
      return now;
    },
    beat: () => send({ type: "heartbeat", operator: "ada" }),
    read: (r: Partial<ArmReading> = {}) => send({ type: "reading", reading: reading(r) }),
    move: (m: Partial<MotionSummary> = {}, operator = "ada") =>
      send({ type: "request", operator, motion: { kind: "move", summary: summary(m) } }),
    teleop: (operator = "ada") => send({ type: "request", operator, motion: { kind: "teleop" } }),
    drive: (velocities: number[], toolVelocity: [number, number, number], operator = "ada") =>
      send({ type: "teleop", operator, command: { velocities, toolVelocity } }),
  };
  send({ type: "enable" });
  send({ type: "claim", operator: "ada" });
  rig.read();
  return rig;
}

describe("before a motion", () => {
  it("nothing moves unless execution was enabled", () => {
    const supervisor = new SafetySupervisor(limits);
    expect(supervisor.state).toBe("disabled");
    supervisor.handle({ type: "claim", operator: "ada", at: 0 });
    supervisor.handle({ type: "reading", reading: reading(), at: 0 });
    const motion = { kind: "move", summary: summary() } as const;
    const verdict = supervisor.handle({ type: "request", operator: "ada", motion, at: 0 });
    expect(verdict).toEqual({ granted: false, refusal: "disabled", stop: false });
  });

  it("a good request is granted", () => {
    const rig = given();
    expect(rig.move()).toEqual({ granted: true, stop: false });
    expect(rig.supervisor.state).toBe("moving");
    expect(rig.supervisor.mayMove(0)).toBe(true);
    expect(rig.move()).toMatchObject({ refusal: "already-moving" });
  });

  it.each<[string, Partial<MotionSummary>, string]>([
    ["a joint below", { minPosition: [-2.1, 0] }, "joint-limit"],
    ["a joint above", { maxPosition: [0, 2.1] }, "joint-limit"],
    ["a joint that is no number", { maxPosition: [0, Number.NaN] }, "joint-limit"],
    ["too few joints", { start: [0] }, "joint-limit"],
    ["a joint too fast", { maxVelocity: [1.1, 0] }, "velocity-limit"],
    ["the tool below the box", { toolMin: [0, 0, -0.1] }, "workspace"],
    ["the tool beyond the box", { toolMax: [1.1, 0, 0.5] }, "workspace"],
    ["collisions not ruled out", { collisionFree: false }, "collision"],
    ["a start elsewhere", { start: [0.2, 0] }, "start-elsewhere"],
  ])("%s is refused", (_, over, refusal) => {
    const rig = given();
    expect(rig.move(over)).toEqual({ granted: false, refusal, stop: false });
    expect(rig.supervisor.state).toBe("idle");
  });

  it("a grasp needs a fresh image whose clock agrees", () => {
    const rig = given();
    const grasp = (frameAt: number) =>
      rig.send({ type: "request", operator: "ada", motion: { kind: "grasp", frameAt, summary: summary() } });
    expect(grasp(-2.1)).toMatchObject({ refusal: "frame-old" });
    expect(grasp(0.2)).toMatchObject({ refusal: "frame-old" });
    expect(grasp(Number.NaN)).toMatchObject({ refusal: "frame-old" });
    expect(grasp(-1.9)).toMatchObject({ granted: true });
  });

  it("an arm whose place is not known, or that moves, is not moved", () => {
    const rig = given();
    rig.pass(0.25);
    expect(rig.move()).toMatchObject({ refusal: "no-feedback" });
    rig.read({ velocities: [0.1, 0] });
    expect(rig.move()).toMatchObject({ refusal: "not-still" });
  });

  it("a malformed reading is no reading", () => {
    const rig = given();
    rig.pass(0.25);
    expect(rig.read({ positions: [0] })).toMatchObject({ refusal: "feedback-invalid" });
    expect(rig.read({ velocities: [0] })).toMatchObject({ refusal: "feedback-invalid" });
    expect(rig.read({ toolSpeed: Number.NaN })).toMatchObject({ refusal: "feedback-invalid" });
    expect(rig.move()).toMatchObject({ refusal: "no-feedback" });
  });
});

describe("one operator", () => {
  it("nobody without a claim, and one at a time", () => {
    const rig = given();
    expect(rig.send({ type: "claim", operator: "bob" })).toMatchObject({ refusal: "other-operator" });
    expect(rig.move({}, "bob")).toMatchObject({ refusal: "other-operator" });
    expect(rig.send({ type: "claim", operator: "ada" })).toMatchObject({ granted: true });
    expect(rig.send({ type: "release", operator: "ada" })).toMatchObject({ granted: true });
    expect(rig.move()).toMatchObject({ refusal: "no-operator" });
    expect(rig.send({ type: "claim", operator: "bob" })).toMatchObject({ granted: true });
  });

  it("a lease that ran out is not prolonged by a late heartbeat", () => {
    const rig = given();
    rig.pass(0.31);
    expect(rig.beat()).toMatchObject({ refusal: "lease-expired" });
    expect(rig.send({ type: "claim", operator: "bob" })).toMatchObject({ granted: true });
  });

  it("nobody takes over an arm in motion", () => {
    const rig = given();
    rig.move();
    rig.pass(0.31);
    expect(rig.send({ type: "claim", operator: "bob" })).toMatchObject({ refusal: "not-still", stop: true });
    rig.read();
    expect(rig.send({ type: "claim", operator: "bob" })).toMatchObject({ granted: true });
  });

  it("giving the control back stops the arm", () => {
    const rig = given();
    rig.move();
    expect(rig.send({ type: "release", operator: "ada" })).toEqual({ granted: true, stop: true });
    expect(rig.supervisor.snapshot.ended).toBe("released");
  });
});

describe("during a motion", () => {
  it("a lost heartbeat stops it", () => {
    const rig = given({ feedbackAge: 10 });
    rig.move();
    rig.pass(0.29);
    rig.beat();
    rig.pass(0.29);
    expect(rig.supervisor.mayMove(rig.now)).toBe(true);
    rig.pass(0.02);
    expect(rig.supervisor.mayMove(rig.now)).toBe(false);
    // Asking changes nothing: the order to stop is still to come.
    expect(rig.supervisor.state).toBe("moving");
    expect(rig.send({ type: "tick" })).toMatchObject({ stop: true });
    expect(rig.supervisor.snapshot.ended).toBe("lease-expired");
    expect(rig.move()).toMatchObject({ refusal: "lease-expired" });
  });

  it("cancel stops it, the arm has to rest, and then it may move again", () => {
    const rig = given();
    rig.move();
    expect(rig.send({ type: "stop" })).toEqual({ granted: true, stop: true });
    expect(rig.supervisor.state).toBe("stopping");
    expect(rig.move()).toMatchObject({ refusal: "not-still" });
    rig.read({ velocities: [0.2, 0] });
    expect(rig.supervisor.state).toBe("stopping");
    rig.read();
    expect(rig.supervisor.state).toBe("idle");
    expect(rig.move()).toMatchObject({ granted: true });
  });

  it("a stop is passed on even when nothing is known to move", () => {
    expect(given().send({ type: "stop" })).toEqual({ granted: true, stop: true });
  });

  it("disabling stops it", () => {
    const rig = given();
    rig.move();
    expect(rig.send({ type: "disable" })).toMatchObject({ stop: true });
    rig.read();
    expect(rig.supervisor.state).toBe("disabled");
  });

  it("its end needs a rest too", () => {
    const rig = given();
    rig.move();
    rig.send({ type: "finished" });
    expect(rig.supervisor.state).toBe("stopping");
    rig.read();
    expect(rig.supervisor.state).toBe("idle");
    expect(rig.supervisor.snapshot.ended).toBe("finished");
  });

  it.each<[string, Partial<ArmReading>, string]>([
    ["a joint too fast", { velocities: [1.2, 0] }, "velocity-limit"],
    ["a joint beyond its limit", { positions: [0, -2.02] }, "joint-limit"],
    ["the tool outside the box", { tool: [0, 0, 1.22] }, "workspace"],
    ["a malformed reading", { positions: [] }, "feedback-invalid"],
  ])("%s stops it and latches", (_, over, cause) => {
    const rig = given();
    rig.move();
    expect(rig.read(over).stop).toBe(true);
    expect(rig.supervisor.state).toBe("estopped");
    expect(rig.supervisor.snapshot.latch).toBe(cause);
  });

  it("small overshoot of the controller is not a fault", () => {
    const rig = given();
    rig.move();
    rig.read({ velocities: [1.05, 0], positions: [2.005, 0], tool: [0, 0, -0.005], toolSpeed: 0.9 });
    expect(rig.supervisor.state).toBe("moving");
  });

  it("a controller that falls silent stops it and latches", () => {
    const rig = given();
    rig.move();
    rig.pass(0.21);
    rig.beat();
    expect(rig.supervisor.snapshot).toMatchObject({ phase: "stopping", latch: "no-feedback" });
  });

  it("an arm that does not come to rest in time latches, and goes on being told to stop", () => {
    const rig = given();
    rig.move();
    rig.send({ type: "stop" });
    rig.pass(0.51);
    expect(rig.send({ type: "tick" })).toMatchObject({ stop: true });
    expect(rig.supervisor.snapshot.latch).toBe("stop-overrun");
    rig.pass(0.1);
    expect(rig.send({ type: "tick" })).toMatchObject({ stop: true });
  });
});

describe("emergency stop", () => {
  it("stops at once and latches until it is released and reset by the operator with the arm at rest", () => {
    const rig = given();
    rig.move();
    expect(rig.send({ type: "estop", source: "button" })).toMatchObject({ stop: true });
    expect(rig.supervisor.state).toBe("estopped");
    const reset = (operator = "ada") => rig.send({ type: "reset", operator });
    expect(reset()).toMatchObject({ refusal: "estop-pressed" });
    rig.send({ type: "estop-released" });
    expect(reset("bob")).toMatchObject({ refusal: "other-operator" });
    expect(reset()).toMatchObject({ refusal: "not-still" });
    rig.read();
    expect(rig.supervisor.state).toBe("estopped");
    expect(rig.move()).toMatchObject({ refusal: "estop" });
    expect(rig.drive([0, 0], [0, 0, 0])).toMatchObject({ refusal: "estop" });
    rig.read({ velocities: [0.1, 0] });
    expect(reset()).toMatchObject({ refusal: "not-still" });
    rig.pass(0.25);
    rig.beat();
    expect(reset()).toMatchObject({ refusal: "no-feedback" });
    rig.read();
    expect(reset()).toMatchObject({ granted: true });
    expect(rig.supervisor.state).toBe("idle");
    expect(reset()).toMatchObject({ refusal: "not-latched" });
  });

  it("keeps the first cause", () => {
    const rig = given();
    rig.move();
    rig.read({ velocities: [9, 0] });
    rig.send({ type: "estop", source: "button" });
    expect(rig.supervisor.snapshot.latch).toBe("velocity-limit");
  });

  it("works while nothing moves and nobody holds the control", () => {
    const supervisor = new SafetySupervisor(limits);
    expect(supervisor.handle({ type: "estop", source: "console", at: 0 }).stop).toBe(true);
    expect(supervisor.state).toBe("estopped");
  });
});

describe("teleop", () => {
  it("scales a command to the tool's and the joints' speed", () => {
    const rig = given();
    expect(rig.drive([0, 0], [0, 0, 0])).toMatchObject({ refusal: "not-in-teleop" });
    expect(rig.teleop()).toMatchObject({ granted: true });
    expect(rig.drive([0, 0], [0, 0, 0])).toMatchObject({ granted: true, scale: 1 });
    expect(rig.drive([0.1, 0], [0.1, 0, 0])).toMatchObject({ scale: 1 });
    expect(rig.drive([0.1, 0], [0.3, 0.4, 0]).scale).toBeCloseTo(0.5, 12);
    expect(rig.drive([-4, 0], [0.1, 0, 0]).scale).toBeCloseTo(0.25, 12);
  });

  it("does not drive across a border, and drives back from beyond one", () => {
    const rig = given({ workspaceSlack: 0.1, positionSlack: 0.1 });
    rig.teleop();
    rig.read({ tool: [0.95, 0, 0.5] });
    expect(rig.drive([0.1, 0], [0.2, 0, 0])).toEqual({
      granted: false,
      refusal: "workspace",
      scale: 0,
      stop: false,
    });
    rig.read({ tool: [1.05, 0, 0.5] });
    expect(rig.drive([0.1, 0], [-0.01, 0, 0])).toMatchObject({ scale: 1 });
    rig.read({ positions: [1.95, 0] });
    expect(rig.drive([0.5, 0], [0.01, 0, 0])).toMatchObject({ refusal: "joint-limit", scale: 0 });
    rig.read({ positions: [-1.95, 0] });
    expect(rig.drive([-0.5, 0], [0.01, 0, 0])).toMatchObject({ refusal: "joint-limit" });
  });

  it("does not start outside the limits", () => {
    const rig = given();
    rig.read({ tool: [0, 0, -0.1] });
    expect(rig.teleop()).toMatchObject({ refusal: "workspace" });
  });

  it("stops when commands cease although the heartbeat goes on", () => {
    const rig = given();
    rig.teleop();
    rig.pass(0.1);
    rig.drive([0.1, 0], [0.1, 0, 0]);
    rig.beat();
    rig.pass(0.1);
    rig.read();
    rig.beat();
    expect(rig.supervisor.state).toBe("moving");
    rig.pass(0.06);
    expect(rig.beat().stop).toBe(true);
    expect(rig.supervisor.snapshot.ended).toBe("command-lost");
  });

  it.each([
    ["too few joints", [0.1], [0, 0, 0]],
    ["not a number", [Number.NaN, 0], [0, 0, 0]],
    ["endless", [0, 0], [0, 0, Infinity]],
  ] as [string, number[], [number, number, number]][])(
    "a malformed command (%s) stops",
    (_, joints, tool) => {
      const rig = given();
      rig.teleop();
      expect(rig.drive(joints, tool)).toMatchObject({ refusal: "command-invalid", stop: true });
    },
  );

  it("a tool measured faster than allowed stops and latches", () => {
    const rig = given();
    rig.teleop();
    rig.read({ toolSpeed: 0.28 });
    expect(rig.supervisor.snapshot.latch).toBe("tool-speed");
  });
});

describe("the clock", () => {
  it("without a valid time stops and latches", () => {
    const rig = given();
    rig.move();
    expect(rig.supervisor.mayMove(Number.NaN)).toBe(false);
    expect(rig.supervisor.handle({ type: "tick", at: Number.NaN })).toMatchObject({
      refusal: "clock",
      stop: true,
    });
    expect(rig.supervisor.snapshot.latch).toBe("clock");
  });

  it("that runs back prolongs nothing", () => {
    const rig = given({ feedbackAge: 10 });
    rig.move();
    rig.pass(0.2);
    rig.send({ type: "tick" });
    rig.pass(-0.2);
    rig.beat();
    expect(rig.supervisor.mayMove(0.5)).toBe(true);
    expect(rig.supervisor.mayMove(0.51)).toBe(false);
  });
});

it.each<[Partial<SupervisorLimits>, string]>([
  [{ lower: [], upper: [], velocity: [] }, "every joint"],
  [{ upper: [1] }, "every joint"],
  [{ velocity: [1] }, "every joint"],
  [{ lower: [2, 0] }, "not below"],
  [{ velocity: [1, 0] }, "positive"],
  [{ velocity: [1, Infinity] }, "positive"],
  [{ workspace: { min: [0, 0, 0], max: [1, 0, 1] } }, "workspace"],
  [{ teleopSpeed: 0.26 }, "at most 0.25"],
  [{ teleopSpeed: 0 }, "at most 0.25"],
  [{ lease: 0 }, "lease"],
  [{ lease: 61 }, "lease"],
  [{ speedSlack: -0.1 }, "speedSlack"],
  [{ speedSlack: 0.6 }, "speedSlack"],
])("settings %j are refused", (over, says) => {
  expect(() => new SafetySupervisor({ ...limits, ...over })).toThrowError(says);
});

it("every reason has words", () => {
  for (const text of Object.values(safetyText)) expect(text).toMatch(/^[a-z].{10,}/);
});
