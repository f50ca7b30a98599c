import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { GraspGroundingError } from "../src/errors/index.js";
import { missingEnvironment } from "../src/ros/index.js";
import { allocatorEnvironment, packageRoot as root } from "../src/system/index.js";

interface Reception {
  readonly seconds: number;
  /** Seconds of CPU time. */
  readonly cpu: number;
  /** Milliseconds from an image's stamp to its arrays being ready for a model. */
  readonly latencies: readonly number[];
  /**
   * Milliseconds from the arrival of colour to the image's hand-over to the thread of inference, by the node's
   * diagnostics.
   */
  readonly handOver?: { readonly p50: number; readonly p99: number };
  readonly dropped?: number;
  /** Megabytes of resident memory between the first and the last quarter. */
  readonly memoryGrowth?: number;
}

interface Camera {
  readonly width: number;
  readonly height: number;
  /** Hertz. */
  readonly rate: number;
  readonly reliability: "reliable" | "best_effort";
  readonly depth: boolean;
}

export interface RosBenchSettings {
  /** Seconds of each turn. Default 8, or GRASP_GROUNDING_BENCH_SECONDS. */
  readonly seconds?: number;
  readonly rounds?: number;
  readonly camera?: Camera;
}

const usual: Camera = { width: 1280, height: 720, rate: 30, reliability: "reliable", depth: true };
/** 12 MB of colour an image. */
const large: Camera = { width: 2000, height: 2000, rate: 30, reliability: "best_effort", depth: false };

/**
 * The node up to the model side by side with an rclpy node that does the same: one camera over DDS with the profile
 * that ships with the package, both in turns within one run. Ratios below 1 mean that this node takes less. Then the
 * node alone on images of 12 MB, with the heaps that its executable sets and with glibc's defaults.
 * @throws GraspGroundingError ROS_MISSING
 */
export async function benchRos(settings: RosBenchSettings = {}): Promise<object> {
  const {
    seconds = Number(process.env.GRASP_GROUNDING_BENCH_SECONDS ?? 8),
    rounds = 3,
    camera = usual,
  } = settings;
  const bench = new Bench(seconds);
  const ours: Reception[] = [];
  const theirs: Reception[] = [];
  await bench.withCamera(camera, async () => {
    for (let round = 0; round < rounds; round++) {
      theirs.push(await bench.reference(camera));
      ours.push(await bench.node(camera));
    }
  });
  const big: Reception[] = [];
  const bigByDefaults: Reception[] = [];
  await bench.withCamera(large, async () => {
    big.push(await bench.node(large));
    bigByDefaults.push(await bench.node(large, {}));
  });
  const [node, rclpy] = [summary(ours), summary(theirs)];
  return {
    picture: described(camera),
    seconds_each: seconds * rounds,
    node: { ...node, ...ownFigures(ours) },
    rclpy,
    ratio_cpu_per_frame: round(node.cpu_ms_per_frame / rclpy.cpu_ms_per_frame),
    ratio_latency_p50: round(node.latency_ms_p50 / rclpy.latency_ms_p50),
    goal: "ratios <= 1; own_ms.hand_over_p50 <= 5; memory_growth_mb <= 50",
    large: {
      picture: described(large),
      seconds,
      ...summary(big),
      ...ownFigures(big),
      glibc_defaults: { ...summary(bigByDefaults), ...ownFigures(bigByDefaults) },
    },
  };
}

/**
 * The node alone on the usual camera for minutes: whether memory or a queue grows.
 * @throws GraspGroundingError ROS_MISSING
 */
export async function benchRosEndurance(seconds = 300): Promise<object> {
  const turns: Reception[] = [];
  const bench = new Bench(seconds);
  await bench.withCamera(usual, async () => {
    turns.push(await bench.node(usual));
  });
  return {
    picture: described(usual),
    seconds,
    ...summary(turns),
    ...ownFigures(turns),
    goal: "memory_growth_mb <= 50; own_ms.hand_over_p50 <= 5; every drop counted",
  };
}

class Bench {
  readonly #seconds: number;
  readonly #env: NodeJS.ProcessEnv;

  constructor(seconds: number) {
    this.#seconds = seconds;
    const made = missingEnvironment(root) ?? process.env;
    if (made.AMENT_PREFIX_PATH === undefined)
      throw new GraspGroundingError("ROS_MISSING", { detail: "no ROS 2 is sourced" });
    const profile = `${root}/launch/config/fastdds.xml`;
    this.#env = {
      ...made,
      ROS_DOMAIN_ID: String(100 + (process.pid % 100)),
      ROS_AUTOMATIC_DISCOVERY_RANGE: "LOCALHOST",
      FASTRTPS_DEFAULT_PROFILES_FILE: profile,
      FASTDDS_DEFAULT_PROFILES_FILE: profile,
    };
  }

  async withCamera(settings: Camera, work: () => Promise<void>): Promise<void> {
    const { width, height, rate, reliability, depth } = settings;
    const size = ["--width", String(width), "--height", String(height), "--rate", String(rate)];
    const camera = this.#python("ros_camera.py", [
      ...size,
      "--reliability",
      reliability,
      depth ? "--depth" : "--no-depth",
    ]);
    const ended = new Promise((resolve) => camera.once("close", resolve));
    try {
      await work();
    } finally {
      camera.stdin?.end();
      await ended;
    }
  }

  reference({ reliability }: Camera): Promise<Reception> {
    const args = ["--seconds", String(this.#seconds), "--reliability", reliability];
    return reception(this.#python("ros_peer.py", args));
  }

  /** @param heaps how glibc hands memory out: as for the node, unless said otherwise */
  node({ depth }: Camera, heaps: NodeJS.ProcessEnv = allocatorEnvironment): Promise<Reception> {
    const script = fileURLToPath(new URL("./ros-node.js", import.meta.url));
    return reception(
      spawn(
        process.execPath,
        ["--single-threaded-gc", script, String(this.#seconds), depth ? "depth" : "colour"],
        {
          env: { ...heaps, ...this.#env },
          stdio: ["ignore", "pipe", "inherit"],
        },
      ),
    );
  }

  #python(script: string, args: readonly string[]): ChildProcess {
    return spawn("python3", [`${root}/bench/reference/${script}`, ...args], {
      env: this.#env,
      stdio: ["pipe", "pipe", "inherit"],
    });
  }
}

const described = ({ width, height, rate, reliability, depth }: Camera): string =>
  `${width}×${height} rgb8${depth ? " + 16UC1" : ""} at ${rate} Hz, ${reliability}`;

/** What only this project's node says of itself; the worst turn counts. */
function ownFigures(turns: readonly Reception[]) {
  const worst = (value: (turn: Reception) => number | undefined): number =>
    round(Math.max(...turns.map((each) => value(each) ?? Number.NaN)));
  return {
    own_ms: {
      hand_over_p50: worst((each) => each.handOver?.p50),
      hand_over_p99: worst((each) => each.handOver?.p99),
    },
    dropped: worst((each) => each.dropped),
    memory_growth_mb: worst((each) => each.memoryGrowth),
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
