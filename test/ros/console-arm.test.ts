import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Answer, MotionPreview, RobotView } from "../../src/console/protocol.js";
import { consoleAddress } from "../support/console-address.js";
import { runPython } from "../support/python.js";
import { ArmCell, armParameters, configuration } from "./support/arm-cell.js";
import { ConsoleClient } from "./support/console-client.js";

const srdf = (...names: readonly string[]) =>
  `<robot name="gen3">${names
    .map((name) => {
      const joints = configuration.map((q, i) => `<joint name="joint_${i + 1}" value="${q}"/>`);
      return `<group_state name="${name}" group="manipulator">${joints.join("")}</group_state>`;
    })
    .join("")}</robot>`;

const command = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));

describe("the console on a node with an arm, over DDS", () => {
  const cell = new ArmCell();
  const { driver } = cell.doors();
  const folder = mkdtempSync(join(tmpdir(), "console-arm-"));
  let client: ConsoleClient;
  let answer: Answer;

  const arm = () => client.state?.arm;
  const moving = async () => (await driver("state")).moving as boolean;
  const ready = () =>
    expect.poll(() => arm()?.available === true && arm()?.moving === false, { timeout: 20_000 }).toBe(true);

  beforeAll(async () => {
    // A model that grounds colours exactly: what is tested is the way from the page to the controller.
    const model = join(folder, "tiny");
    runPython("bench/reference/tiny_model.py", [model]);
    // The box is 11 cm wide.
    const gripper = {
      gripper_preset: "custom",
      gripper_stroke: 0.14,
      gripper_open: 0.07,
      gripper_closed: 0,
    } as const;
    await cell.start(armParameters({ model, allow_teleop: true, ...gripper }), {
      script: [command, "node", "--console", "--port", "0", "--no-audit"],
      srdf: srdf("home", "retract"),
    });
    const url = consoleAddress(cell.output) ?? "";
    client = await ConsoleClient.open(url);
  });
  afterAll(async () => {
    client?.close();
    await cell.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    await driver("posture", { configuration });
    await driver("clear");
    await driver("gripper", { object: 0.02, position: 0.04, abort: false });
  });

  it("shows the arm as it stands", async () => {
    const robot = (await client.get("api/robot")) as RobotView;
    expect(robot).toMatchObject({ name: "gen3", base: "base_link", joints: { length: 7 } });
    await ready();
    expect(arm()).toMatchObject({ jogs: true, robot: true });
    for (const [i, q] of (arm()?.joints ?? []).entries()) expect(q).toBeCloseTo(configuration[i]!, 3);
  });

  it("offers the named positions of robot_description_semantic as it is now, and keeps them when another is no SRDF", async () => {
    await ready();
    expect(arm()?.named).toEqual(["retract"]);
    await driver("describe_semantic", { srdf: "no xml" });
    await driver("describe_semantic", { srdf: srdf("retract", "look") });
    await expect.poll(() => arm()?.named, { timeout: 20_000 }).toEqual(["retract", "look"]);
    expect(cell.output).toMatch(/robot_description_semantic: .*SRDF/);
  });

  it("finds the box, and plans its motion without moving", async () => {
    await expect.poll(() => client.headers.length, { timeout: 30_000 }).toBeGreaterThan(2);
    const asked = await client.command({ name: "ask", query: "the blue box" });
    expect(asked.error).toBeUndefined();
    answer = asked.result as Answer;
    expect(answer.result.found).toBe(true);
    expect(answer.result.grasps.length, answer.text).toBeGreaterThan(0);
    const planned = await client.command({ name: "preview", answer: answer.id });
    expect(planned.error).toBeUndefined();
    const { stages } = planned.result as MotionPreview;
    expect(stages.map(({ name }) => name)).toContain("approach");
    expect(await moving()).toBe(false);
  });

  it("jogs while the button is held and rests when its heartbeat ceases", async () => {
    await ready();
    const letGo = client.hold({ type: "drive", linear: [0, 0, 0.05], angular: [0, 0, 0] });
    expect(await client.command({ name: "jog" })).toMatchObject({ ok: true });
    await expect.poll(moving, { timeout: 10_000, interval: 10 }).toBe(true);
    letGo();
    await expect.poll(moving, { timeout: 2000, interval: 10 }).toBe(false);
    await ready();
  });

  it("picks while the button is held, to the end", async () => {
    await ready();
    await driver("gripper", { object: 0.02 });
    // A test machine that is held up loses a heartbeat: the button is then pressed again, as a person would.
    for (let tries = 0; tries < 4 && arm()?.holding !== true; tries++) {
      const letGo = client.hold();
      const picked = await client.command({ name: "pick", answer: answer.id });
      letGo();
      if (!picked.ok) console.log(`pick: ${picked.error?.message}`);
      else expect(picked.result).toMatchObject({ message: "the object was taken" });
      await ready();
    }
    expect(arm()?.holding).toBe(true);
    const { log } = await driver("gripper");
    expect(log.at(-1).position).toBeLessThan(log[0].position);
  });

  it("stops a motion by the emergency stop, and refuses the next until its reset", async () => {
    await ready();
    const letGo = client.hold({ type: "drive", linear: [0, 0, 0.05], angular: [0, 0, 0] });
    await client.command({ name: "jog" });
    await expect.poll(moving, { timeout: 10_000, interval: 10 }).toBe(true);
    expect(await client.command({ name: "estop", reason: "test" })).toMatchObject({ ok: true });
    await expect.poll(moving, { timeout: 2000, interval: 10 }).toBe(false);
    letGo();
    for (const name of ["jog", "pick"] as const)
      expect(await client.command({ name, ...(name === "pick" && { answer: answer.id }) })).toMatchObject({
        ok: false,
        error: { code: "ESTOP_LATCHED" },
      });
    // Refused until the joints are known to rest.
    const reset = async () => (await client.command({ name: "estop.reset" })).ok;
    await expect.poll(reset, { timeout: 5000, interval: 50 }).toBe(true);
    await ready();
  });
});
