import { afterEach, describe, expect, it } from "vitest";
import {
  type ArmDependencies,
  type ExecuteOptions,
  followText,
  Kinematics,
  safetyText,
  Teleop,
} from "../../../src/arm/index.js";
import {
  boxCloud,
  chain,
  fromAbove,
  makeArm,
  makeChecker,
  StepClock,
  scene,
  start,
  workspace,
} from "./rig.js";

const goal = { pose: fromAbove(0.5, 0.1, 0.05), width: 0.06, objectWidth: 0.04 };
const clocks: StepClock[] = [];
afterEach(() => {
  for (const clock of clocks.splice(0)) clock.stop();
});

/** An arm by a clock of its own. */
function made(over: Partial<ArmDependencies> = {}) {
  const clock = new StepClock();
  clocks.push(clock);
  return { ...makeArm({ ...over, clock }), clock };
}

function given(over: Partial<ArmDependencies> = {}) {
  const rig = made(over);
  rig.gripper.object = 0.04;
  const execute = (
    more: Partial<ExecuteOptions> = {},
    grasps: Parameters<typeof rig.arm.execute>[0] = goal,
  ) =>
    rig.arm.execute(grasps, { operator: "ada", frameAt: rig.now(), scene: scene(), lease: "goal", ...more });
  /** Largest joint speed now. */
  const speed = () => Math.max(...(rig.controller.reading()?.velocities ?? [0]).map(Math.abs));
  /** Runs until the arm moves in the given stage, then does something, and says how long the arm went on. */
  const interrupt = async (act: () => void, more: Partial<ExecuteOptions> = {}, at = "pre-grasp") => {
    let moving: () => void = () => {};
    const started = new Promise<void>((resolve) => {
      moving = resolve;
    });
    const result = execute({ ...more, onStage: (name) => (name === at ? moving() : undefined) });
    await Promise.race([started, result]);
    const ended = await Promise.race([result, rig.clock.sleep(0)]);
    if (ended) throw new Error(`it ended before it moved: ${ended.message}`);
    while (speed() < 0.1) await rig.clock.sleep(0.002);
    const from = rig.now();
    act();
    while (speed() > 0.001) await rig.clock.sleep(0.002);
    return { seconds: rig.now() - from, result: await result };
  };
  return { ...rig, execute, speed, interrupt };
}

describe("a grasp", () => {
  it("is carried out stage by stage, and the arm comes back with it", async () => {
    const rig = given();
    const stages: string[] = [];
    const result = await rig.execute({
      onStage: (name, progress) => stages.push(`${name} ${progress.toFixed(2)}`),
    });
    expect(result).toMatchObject({ success: true, outcome: "done", grasp: 0 });
    expect(stages.map((stage) => stage.split(" ")[0])).toEqual([
      "open",
      "pre-grasp",
      "approach",
      "close",
      "lift",
      "retreat",
      "retreat",
    ]);
    expect(rig.gripper.width).toBeCloseTo(0.04, 6);
    for (const [i, q] of rig.controller.reading()!.positions.entries()) expect(q).toBeCloseTo(start[i]!, 3);
    expect(rig.supervisor.state).toBe("idle");
  });

  it("the first that can be planned is taken", async () => {
    const rig = given();
    const far = { ...goal, pose: fromAbove(1.4, 0, 0.1) };
    expect(await rig.execute({}, [far, goal])).toMatchObject({ success: true, grasp: 1 });
    expect(await rig.execute({}, [far])).toMatchObject({ outcome: "no-plan", refusal: "unreachable" });
    expect(await rig.execute({}, [])).toMatchObject({ outcome: "no-plan" });
    expect(rig.supervisor.state).toBe("idle");
  });
});

describe("nothing moves", () => {
  const still = async (rig: ReturnType<typeof given>, more: Partial<ExecuteOptions> = {}) => {
    const result = await rig.execute(more);
    expect(rig.controller.reading()?.positions ?? start).toEqual(start);
    return result;
  };

  it("unless execution is enabled", async () => {
    const rig = given();
    rig.arm.handle({ type: "disable", at: rig.now() });
    expect(await still(rig)).toMatchObject({ outcome: "refused", message: safetyText.disabled });
  });

  it("after an e-stop, until it is reset", async () => {
    const rig = given();
    rig.arm.handle({ type: "estop", source: "button", at: rig.now() });
    expect(await still(rig)).toMatchObject({ outcome: "refused", safety: "estop" });
    rig.arm.handle({ type: "estop-released", at: rig.now() });
    rig.arm.handle({ type: "claim", operator: "ada", at: rig.now() });
    rig.arm.update();
    expect(rig.arm.handle({ type: "reset", operator: "ada", at: rig.now() }).granted).toBe(true);
    expect(await rig.execute()).toMatchObject({ success: true });
  });

  it("for an old image", async () => {
    const rig = given();
    expect(await still(rig, { frameAt: rig.now() - 3 })).toMatchObject({ safety: "frame-old" });
  });

  it("without a heartbeat", async () => {
    const rig = given();
    expect(await still(rig, { lease: "caller" })).toMatchObject({ safety: "no-operator" });
  });

  it("while another operator holds the control", async () => {
    const rig = given();
    const release = rig.clock.every(0.05, () =>
      rig.arm.handle({ type: "claim", operator: "bob", at: rig.now() }),
    );
    rig.arm.handle({ type: "claim", operator: "bob", at: rig.now() });
    expect(await still(rig)).toMatchObject({ safety: "other-operator" });
    release();
  });

  it("without a controller", async () => {
    const rig = given();
    rig.controller.faults.dead = true;
    expect(await still(rig)).toMatchObject({ outcome: "refused", message: safetyText["no-feedback"] });
  });

  it("into what the camera saw", async () => {
    const rig = given();
    const wall = boxCloud(0.5, 0.09, [0.2, 0.02, 0.25]);
    expect(await still(rig, { scene: scene({ obstacles: wall }) })).toMatchObject({ outcome: "no-plan" });
  });

  it("when it was aborted before", async () => {
    const rig = given();
    expect(await still(rig, { signal: AbortSignal.abort() })).toMatchObject({ outcome: "stopped" });
  });
});

describe("in motion the arm stops within 100 ms", () => {
  it("on cancel while it plans; and somebody else may move it at once", async () => {
    const rig = given();
    const abort = new AbortController();
    const result = rig.execute({ signal: abort.signal });
    abort.abort();
    expect(await result).toMatchObject({ success: false, outcome: "stopped", safety: "cancelled" });
    expect(await rig.execute({ operator: "bob" })).toMatchObject({ success: true });
  });

  it("without a plan; and somebody else may move it at once", async () => {
    const rig = given();
    const far = { ...goal, pose: fromAbove(1.4, 0, 0.1) };
    expect(await rig.execute({}, [far])).toMatchObject({ outcome: "no-plan" });
    expect(await rig.execute({ operator: "bob" })).toMatchObject({ success: true });
  });

  it("on cancel; and may then move again", async () => {
    const rig = given();
    const abort = new AbortController();
    const { seconds, result } = await rig.interrupt(() => abort.abort(), { signal: abort.signal });
    expect(seconds).toBeLessThan(0.1);
    expect(result).toMatchObject({
      success: false,
      outcome: "stopped",
      safety: "cancelled",
      stage: "pre-grasp",
    });
    expect(rig.supervisor.state).toBe("idle");
    expect(await rig.execute()).toMatchObject({ success: true });
  });

  it("on an e-stop, which latches", async () => {
    const rig = given();
    const estop = () => rig.arm.handle({ type: "estop", source: "button", at: rig.now() });
    const { seconds, result } = await rig.interrupt(estop, {}, "lift");
    expect(seconds).toBeLessThan(0.1);
    expect(result).toMatchObject({ outcome: "stopped", safety: "estop", stage: "lift" });
    expect(rig.supervisor.state).toBe("estopped");
  });

  it("when the lease of the operator's heartbeat runs out", async () => {
    const rig = given();
    rig.arm.handle({ type: "claim", operator: "ada", at: rig.now() });
    const release = rig.clock.every(0.02, () =>
      rig.arm.handle({ type: "claim", operator: "ada", at: rig.now() }),
    );
    const { lease } = rig.supervisor.limits;
    const { seconds, result } = await rig.interrupt(release, { lease: "caller" });
    expect(seconds).toBeLessThan(lease + 0.1);
    expect(result).toMatchObject({ outcome: "stopped", safety: "lease-expired" });
  });
});

describe("what a controller can do wrong ends in words, with the arm still and ready", () => {
  it("a rejected goal", async () => {
    const rig = given();
    rig.controller.faults.reject = true;
    expect(await rig.execute()).toMatchObject({
      outcome: "controller",
      message: `pre-grasp: ${followText.rejected}`,
      stage: "pre-grasp",
    });
    expect(await rig.execute()).toMatchObject({ success: true });
  });

  it("a path left", async () => {
    const rig = given();
    rig.controller.faults.fail = { after: 0.2, code: "path-tolerance-violated" };
    const result = await rig.execute();
    expect(result).toMatchObject({ outcome: "controller" });
    expect(result.message).toContain(followText["path-tolerance-violated"]);
    expect(rig.speed()).toBe(0);
    expect(rig.supervisor.state).toBe("idle");
  });

  it("a controller that dies on the way latches", async () => {
    const rig = given();
    const { result } = await rig.interrupt(() => {
      rig.controller.faults.dead = true;
    });
    expect(result).toMatchObject({ outcome: "stopped", safety: "no-feedback" });
    expect(rig.supervisor.state).toBe("estopped");
    rig.controller.faults.dead = false;
  });

  it("a controller that calls a motion done and then says no more is not believed", async () => {
    const rig = given();
    const follow = rig.controller.follow.bind(rig.controller);
    rig.controller.follow = async (points) => {
      const result = await follow(points);
      rig.controller.faults.dead = true;
      return result;
    };
    expect(await rig.execute()).toMatchObject({
      outcome: "controller",
      message: `pre-grasp: ${followText.lost}`,
    });
    expect(rig.supervisor.state).toBe("estopped");
  });

  it("a result that never comes ends the motion, and it is told where the arm is", async () => {
    const rig = given();
    const follow = rig.controller.follow.bind(rig.controller);
    rig.controller.follow = async (points) => {
      await follow(points);
      return new Promise(() => {});
    };
    const result = await rig.execute();
    expect(result).toMatchObject({ success: false, outcome: "controller" });
    expect(result.message).toMatch(
      /no result within [\d.]+ s, the arm 0\.0\d rad from the end of its trajectory/,
    );
    expect(rig.supervisor.state).toBe("idle");
  });

  it("an order to stop that is not acknowledged is reported", async () => {
    const rig = given();
    rig.controller.faults.fail = { after: 0.2, code: "goal-tolerance-violated" };
    rig.controller.stop = () => new Promise(() => {});
    expect(await rig.execute()).toMatchObject({ success: false, outcome: "controller" });
  });

  it("a gripper that does not answer, and fingers that close on nothing", async () => {
    const rig = given();
    rig.gripper.dead = true;
    expect(await rig.execute()).toMatchObject({ outcome: "gripper", stage: "open" });
    rig.gripper.dead = false;
    rig.gripper.object = 0;
    const { objectWidth: _, ...unknownWidth } = goal;
    expect(await rig.execute({}, unknownWidth)).toMatchObject({ outcome: "nothing-held", stage: "close" });
    expect(rig.supervisor.state).toBe("idle");
  });

  it("an object thinner than it looked is closed on all the same", async () => {
    const rig = given();
    rig.gripper.object = 0.008;
    expect(await rig.execute()).toMatchObject({ success: true });
    expect(rig.gripper.width).toBe(0.008);
    rig.gripper.object = 0;
    expect(await rig.execute()).toMatchObject({ outcome: "nothing-held", stage: "close" });
  });

  it.each(["lift", "retreat"])(
    "an object that slips out during the %s: the arm stops and can go on",
    async (at) => {
      const rig = given();
      const { result, seconds } = await rig.interrupt(() => rig.gripper.drop(), {}, at);
      expect(result).toMatchObject({ success: false, outcome: "dropped", stage: at });
      expect(result.message).toBe(`the object slipped out of the fingers (${at})`);
      expect(seconds).toBeLessThan(0.3);
      expect(rig.supervisor.state).toBe("idle");
      rig.gripper.object = 0.04;
      expect(await rig.execute()).toMatchObject({ success: true });
    },
  );

  it("one odd reading of the fingers is not taken for a loss", async () => {
    const rig = given();
    let odd = 0;
    rig.gripper.opening = () => (rig.speed() > 0.1 && odd++ % 3 < 2 ? 0 : rig.gripper.width);
    expect(await rig.execute()).toMatchObject({ success: true });
    expect(odd).toBeGreaterThan(10);
  });

  it("an object is put down at the first place that is within reach and granted", async () => {
    const clock = new StepClock();
    clocks.push(clock);
    const bounds = { workspace: { ...workspace, max: [0.95, 0.25, 1.4] as const } };
    const { arm, gripper, now } = makeArm({ clock }, bounds);
    gripper.object = 0.04;
    const options = { operator: "ada", scene: scene(), lease: "goal" } as const;
    expect(await arm.execute(goal, { ...options, frameAt: now() })).toMatchObject({ success: true });
    const beyondReach = { ...goal, pose: fromAbove(2, 0, 0.05) };
    // Within the workspace of the scene, not within the supervisor's.
    const outside = { ...goal, pose: fromAbove(0.45, 0.35, 0.05) };
    const refused = { success: false, outcome: "refused", safety: "workspace" };
    expect(await arm.place([beyondReach, outside], options)).toMatchObject(refused);
    const there = { ...goal, pose: fromAbove(0.45, -0.15, 0.05) };
    const released: number[] = [];
    const onStage = (stage: string) => {
      if (stage === "release") released.push(...arm.tool!.position);
    };
    const placed = await arm.place([beyondReach, outside, there], { ...options, onStage });
    expect(placed).toMatchObject({ success: true });
    expect(Math.hypot(...released.map((v, i) => v - there.pose.position[i]!))).toBeLessThan(0.005);
  });

  it("an object that is lost on the way to where it is put down", async () => {
    const rig = given();
    const held = await rig.execute();
    expect(held.success).toBe(true);
    const placing = rig.arm.place(goal, { operator: "ada", scene: scene(), lease: "goal" });
    while (rig.speed() < 0.1) await rig.clock.sleep(0.002);
    rig.gripper.drop();
    expect(await placing).toMatchObject({ success: false, outcome: "dropped", stage: "pre-place" });
  });
});

describe("teleop", () => {
  function teleop() {
    const rig = made();
    const parts = {
      arm: rig.arm,
      checker: makeChecker(),
      controller: rig.controller,
      kinematics: new Kinematics(chain),
    };
    parts.checker.scene = scene();
    rig.arm.handle({ type: "claim", operator: "ada", at: rig.now() });
    rig.arm.update();
    const motion = { kind: "teleop" } as const;
    rig.arm.handle({ type: "request", operator: "ada", motion, at: rig.now() });
    return { ...rig, teleop: new Teleop(parts), checker: parts.checker };
  }

  it("moves the tool as asked, at 0.25 m/s at most, and stops when commands cease", async () => {
    const rig = teleop();
    const from = rig.kinematics.forward(start).position;
    let answer = rig.teleop.command("ada", [0.5, 0, 0], [0, 0, 0], rig.now());
    expect(answer.moved).toBe(true);
    expect(answer.scale).toBeCloseTo(0.5, 1);
    for (let k = 0; k < 10; k++) {
      await rig.clock.sleep(0.02);
      rig.arm.handle({ type: "heartbeat", operator: "ada", at: rig.now() });
      answer = rig.teleop.command("ada", [0.5, 0, 0], [0, 0, 0], rig.now());
      const { positions, velocities } = rig.controller.reading()!;
      expect(Math.hypot(...rig.kinematics.toolVelocity(positions, velocities))).toBeLessThan(0.26);
    }
    await rig.clock.sleep(0.4);
    rig.arm.update();
    expect(Math.max(...rig.controller.reading()!.velocities.map(Math.abs))).toBe(0);
    const to = rig.kinematics.forward(rig.controller.reading()!.positions).position;
    expect(to[0] - from[0]).toBeGreaterThan(0.03);
    expect(Math.abs(to[1] - from[1])).toBeLessThan(0.005);
  });

  it("does not drive into what the camera saw, but away from it", () => {
    const rig = teleop();
    const [x, y, z] = rig.kinematics.forward(start).position;
    rig.checker.scene = scene({ obstacles: boxCloud(x + 0.1, y, [0.02, 0.3, z + 0.1]) });
    expect(rig.teleop.command("ada", [0.2, 0, 0], [0, 0, 0], rig.now())).toMatchObject({
      moved: false,
      reason: "collision",
    });
    expect(rig.teleop.command("ada", [-0.2, 0, 0], [0, 0, 0], rig.now())).toMatchObject({ moved: true });
  });

  it("does not listen to another", () => {
    const rig = teleop();
    expect(rig.teleop.command("bob", [0.1, 0, 0], [0, 0, 0], rig.now())).toMatchObject({
      reason: "other-operator",
    });
  });
});
