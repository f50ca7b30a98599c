import { setTimeout as sleep } from "node:timers/promises";
import { detectionsMessage, encodeMessage, headerOf, poseArrayMessage } from "../messages/index.js";
import type { Player } from "../ros/index.js";
import { packageRoot, runInEnvironment } from "../system/index.js";
import { annotationsMessage } from "../visualization/index.js";
import type { BagSession } from "./bag-session.js";
import { markersOf } from "./outputs.js";
import type { PlaybackClock } from "./playback-clock.js";
import { isTransientLocal, transientLocalBefore } from "./transient-local.js";
import type { Answered } from "./types.js";

/** Runs this command again in the environment of `npm run ros:setup` when the present one has no ROS 2. */
export async function rosAgain(): Promise<boolean> {
  const { missingEnvironment } = await import("../ros/index.js");
  const env = missingEnvironment(packageRoot);
  if (env === undefined) return false;
  process.exitCode = await runInEnvironment(env);
  return true;
}

const results = {
  detections: "vision_msgs/msg/Detection2DArray",
  annotations: "foxglove_msgs/msg/ImageAnnotations",
  grasps: "geometry_msgs/msg/PoseArray",
  markers: "visualization_msgs/msg/MarkerArray",
} as const;

/** Period of the clock in milliseconds of wall time, as `ros2 bag play --clock` by default. */
const clockPeriod = 25;
const discovery = 3;

/** Publishes the recording on its topics at its recorded pace, the answers, and /clock. */
export class Publication {
  /** Resolves when all of the recording was published. */
  readonly ended: Promise<void>;
  readonly #player: Player;
  readonly #prefix: (camera: string | undefined) => string;
  readonly #stop = new AbortController();

  private constructor(player: Player, ended: (stop: AbortSignal) => Promise<void>) {
    this.#player = player;
    this.#prefix = (camera) => `/grasp_grounding${camera === undefined ? "" : `/${camera}`}`;
    this.ended = ended(this.#stop.signal);
    // The end awaits it; until then a failure must not end the process.
    this.ended.catch(() => undefined);
  }

  /** @throws GraspGroundingError ROS_MISSING */
  static async begin(
    session: BagSession,
    playbackClock: PlaybackClock,
    signal: AbortSignal,
  ): Promise<Publication> {
    const { bag, cameras } = session;
    const answers = cameras.flatMap(({ name }) =>
      Object.entries(results).map(([topic, type]) => ({
        name: `/grasp_grounding${name === undefined ? "" : `/${name}`}/${topic}`,
        type,
      })),
    );
    const own = new Set(answers.map(({ name }) => name));
    const recorded = bag.topics
      .filter(({ name, serialization }) => !own.has(name) && name !== "/clock" && serialization === "cdr")
      .map(({ name, type, qos = "" }) => ({ name, type, transientLocal: isTransientLocal({ name, qos }) }));
    const { Player } = await import("../ros/index.js");
    const player = await Player.open([...recorded, ...answers]);
    for (const text of player.missing) process.stderr.write(`grasp-grounding: not published: ${text}\n`);
    await player.listeners(discovery, signal);
    return new Publication(player, (stop) =>
      publishAll(session, player, playbackClock, AbortSignal.any([signal, stop])),
    );
  }

  /** One frame's answers, at its stamp. */
  answer({ frame, results: answered, camera }: Answered): void {
    const prefix = this.#prefix(camera);
    const header = headerOf(frame.stamp, frame.frameId);
    const boxes = answered.flatMap(({ grounding }) =>
      grounding.detections.map(({ box, score }) => ({ box, score, label: grounding.query })),
    );
    const poses = answered.flatMap(({ grasps }) => grasps.map((grasp) => grasp.pose));
    const send = (topic: keyof typeof results, message: unknown) =>
      this.#player.publish(`${prefix}/${topic}`, encodeMessage(results[topic], message));
    send("detections", detectionsMessage(header, boxes));
    send("annotations", annotationsMessage(header, boxes));
    send("grasps", poseArrayMessage(header, poses));
    send("markers", markersOf(frame, answered));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.ended.catch(() => undefined);
    await this.#player.close();
  }
}

async function publishAll(
  session: BagSession,
  player: Player,
  playbackClock: PlaybackClock,
  signal: AbortSignal,
): Promise<void> {
  const { bag, times } = session;
  if (times.from !== undefined)
    for await (const { topic, data } of transientLocalBefore(bag, times.from)) player.publish(topic, data);
  const query = {
    ...(times.from !== undefined && { from: times.from }),
    ...(times.to !== undefined && { to: times.to }),
  };
  let ticked = Number.NEGATIVE_INFINITY;
  const tick = (time: bigint) => {
    if (performance.now() - ticked < clockPeriod) return;
    ticked = performance.now();
    player.clock(time);
  };
  for await (const { topic, logTime, data } of bag.messages(query)) {
    for (
      let wait = playbackClock.until(logTime);
      wait > 0 && !signal.aborted;
      wait = playbackClock.until(logTime)
    ) {
      await sleep(Math.min(wait, clockPeriod), undefined, { signal }).catch(() => undefined);
      if (playbackClock.now !== undefined) tick(playbackClock.now < logTime ? playbackClock.now : logTime);
    }
    if (signal.aborted) return;
    tick(logTime);
    player.publish(topic, data);
  }
}
