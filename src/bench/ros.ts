import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { GraspGroundingError } from "../errors/index.js";
import { missingEnvironment } from "../ros/index.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Reception {
  readonly seconds: number;
  /** Seconds of CPU time. */
  readonly cpu: number;
  /** Milliseconds from a picture's stamp to its arrays being ready for a model. */
  readonly latencies: readonly number[];
  /** Megabytes of resident memory between the first and the last quarter. */
  readonly memoryGrowth?: number;
}

export interface RosBenchSettings {
  /** Seconds of each turn. Default 8, or GRASP_GROUNDING_BENCH_SECONDS. */
  readonly seconds?: number;
  readonly rounds?: number;
  readonly width?: number;
  readonly height?: number;
  readonly rate?: number;
  readonly reliability?: "reliable" | "best_effort";
}

/**
 * The node up to the model side by side with an rclpy node that does the same: one camera over DDS, both in turns
 * within one run. Ratios below 1 mean that this node takes less.
 * @throws GraspGroundingError ROS_MISSING
 */
export async function benchRos(settings: RosBenchSettings = {}): Promise<object> {
  const {
    seconds = Number(process.env.GRASP_GROUNDING_BENCH_SECONDS ?? 8),
    rounds = 3,
    width = 1280,
    height = 720,
    rate = 30,
    reliability = "reliable",
  } = settings;
  const made = missingEnvironment(root) ?? process.env;
  if (made.AMENT_PREFIX_PATH === undefined)
    throw new GraspGroundingError("ROS_MISSING", { detail: "no ROS 2 is sourced" });
  const env = {
    ...made,
    ROS_DOMAIN_ID: String(100 + (process.pid % 100)),
    ROS_AUTOMATIC_DISCOVERY_RANGE: "LOCALHOST",
  };
  const python = (script: string, args: readonly string[]) =>
    spawn("python3", [`${root}/test/bench/${script}`, ...args], { env, stdio: ["pipe", "pipe", "inherit"] });
  const picture = ["--width", String(width), "--height", String(height), "--rate", String(rate)];
  const camera = python("ros_camera.py", [...picture, "--reliability", reliability]);
  const ours: Reception[] = [];
  const theirs: Reception[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      theirs.push(
        await reception(python("ros_peer.py", ["--seconds", String(seconds), "--reliability", reliability])),
      );
      const script = fileURLToPath(new URL("./ros-node.js", import.meta.url));
      ours.push(
        await reception(
          spawn(process.execPath, ["--single-threaded-gc", script, String(seconds)], {
            env,
            stdio: ["ignore", "pipe", "inherit"],
          }),
        ),
      );
    }
  } finally {
    camera.stdin?.end();
  }
  const [node, rclpy] = [summary(ours), summary(theirs)];
  return {
    picture: `${width}×${height} rgb8 + 16UC1 at ${rate} Hz, ${reliability}`,
    seconds_each: seconds * rounds,
    node,
    rclpy,
    ratio_cpu_per_frame: round(node.cpu_ms_per_frame / rclpy.cpu_ms_per_frame),
    ratio_latency_p50: round(node.latency_ms_p50 / rclpy.latency_ms_p50),
    memory_growth_mb: round(Math.max(...ours.map((each) => each.memoryGrowth ?? 0))),
  };
}

function summary(turns: readonly Reception[]) {
  const latencies = turns.flatMap((each) => each.latencies).sort((a, b) => a - b);
  const at = (q: number): number => round(latencies[Math.floor(q * (latencies.length - 1))] ?? Number.NaN);
  const sum = (value: (turn: Reception) => number): number =>
    turns.reduce((total, each) => total + value(each), 0);
  const frames = latencies.length;
  return {
    frames,
    frames_per_second: round(frames / sum((each) => each.seconds)),
    cpu_ms_per_frame: round((sum((each) => each.cpu) * 1e3) / frames),
    latency_ms_p50: at(0.5),
    latency_ms_p99: at(0.99),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

/** The last line a child prints, as JSON. */
async function reception(child: ChildProcess): Promise<Reception> {
  let output = "";
  child.stdout!.on("data", (chunk) => {
    output += chunk;
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  const line = output.trim().split("\n").at(-1) ?? "";
  if (code !== 0 || !line.startsWith("{"))
    throw new GraspGroundingError("INTERNAL", { detail: `a receiver of the bench ended with code ${code}` });
  return JSON.parse(line) as Reception;
}
