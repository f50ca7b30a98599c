import { expect, it } from "vitest";
import { cli } from "../../support/cli.js";

const bench = async (...args: string[]) => {
  const { code, stdout, stderr } = await cli(["bench", ...args, "--json"]);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
};

it("grasp plans what it is given, the same each time", async () => {
  const { command, quick, machine, grasp } = await bench("grasp", "--quick");
  expect(command).toBe("grasp-grounding bench grasp");
  expect(quick).toBe(true);
  expect(machine.node).toBe(process.versions.node);
  expect(grasp).toMatchObject({ scenes: 4, same_plan_each_time: true });
  expect(grasp.with_grasp).toBeGreaterThan(0);
  expect(grasp.ms.p50).toBeGreaterThan(0);
  expect(grasp.ms.p99).toBeGreaterThanOrEqual(grasp.ms.p50);
});

it("ground runs beside Python's onnxruntime with the same model", async () => {
  const { ground } = await bench("ground", "--quick");
  expect(ground.ratio_peer_over_ours).toBeCloseTo(ground.peer_ms.p50 / ground.ours_ms.p50, 1);
  expect(ground.encode_decode_ms.p50).toBeGreaterThan(0);
  expect(ground.further_query_ours_ms.p50).toBeLessThan(ground.ours_ms.p50);
  // The second look encodes crops: it costs at least as much again as the first.
  expect(ground.careful_ms.p50).toBeGreaterThan(ground.ours_ms.p50);
});

it("replay reads what mcap and rosbags read", async () => {
  const { replay } = await bench("replay", "--quick");
  expect(replay).toMatchObject({ frames: 6, rounds: 1 });
  for (const kind of ["mcap_none", "mcap_lz4", "mcap_zstd"]) {
    const { megabytes_per_second: speed, ratio_to_mcap } = replay[kind];
    for (const reader of ["raw", "rosbags", "checked", "safe", "mcap", "mcap_checksums"])
      expect(speed[reader]).toBeGreaterThan(0);
    // One round beside other work says nothing of speed: only that the ratio is that of the two speeds it names.
    expect(Math.abs(ratio_to_mcap - speed.raw / speed.mcap)).toBeLessThan(0.02 + 0.02 * ratio_to_mcap);
  }
  expect(replay.replay_with_lite.largest_share_of_reading).toBeGreaterThan(0);
});

it("arm solves, times beside toppra, plans and stops", async () => {
  const { arm } = await bench("arm", "--quick");
  for (const robot of ["panda", "gen3", "iiwa", "xarm7"]) expect(arm.ik[robot].solved).toBeGreaterThan(0.98);
  expect(arm.timing.velocity_acceleration.ratio_ours_over_toppra.max).toBeLessThanOrEqual(1.25);
  for (const use of Object.values<number>(arm.timing.panda_jerk.limit_usage))
    expect(use).toBeLessThanOrEqual(1.001);
  expect(arm.stop_ms.cancel).toMatchObject({ n: 1 });
});

it("a bench without a short form, or none of that name, is refused in one line", async () => {
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await cli(["bench", ...args]);
    expect([code, stdout, stderr.trim().split("\n").length]).toEqual([2, "", 1]);
    return stderr;
  };
  expect(await refused("workers", "--quick")).toMatch(
    /no --quick; those that have: ground, replay, grasp, arm/,
  );
  expect(await refused("speed")).toMatch(/no bench speed; there are ground, /);
  expect(await refused("parity-families", "--family", "yolo")).toMatch(/no family yolo; there are clipseg, /);
});
