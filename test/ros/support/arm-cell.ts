import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ParameterName, parameterSpecs } from "../../../src/ros/index.js";
import { descriptions, home } from "../../unit/arm/robots.js";
import { diagnosed, type Exit, type Message, NodeProcess, Peer } from "./peer.js";

type Values = Readonly<Partial<Record<ParameterName, string | number | boolean>>>;

export const configuration = home.gen3!;
const joints = [1, 2, 3, 4, 5, 6, 7].map((i) => `joint_${i}`);

/** The camera hangs over the table and looks down; the boxes of the scene stand within the arm's reach. */
const camera = { xyz: [0.55, 0, 1], xyzw: [0, 1, 0, 0] };

const frames = { parent: "base_link", child: "camera_color_optical_frame" } as const;

/** ROS takes 6 for an integer, also where a double is declared. */
const spelled = (name: ParameterName, value: string | number | boolean): string =>
  parameterSpecs[name].type === "double" ? Number(value).toFixed(3) : String(value);

/** Arguments that give the node the test's arm, quick enough for tests. */
export const armParameters = (more: Values = {}): string[] =>
  Object.entries({
    mode: "on_demand",
    sync_tolerance: 0.05,
    arm: "action",
    allow_execute: true,
    base_frame: "base_link",
    // A gripper of 0.12 m on the bare flange of the description.
    tool_offset: 0.12,
    velocity_scale: 1,
    max_joint_acceleration: 10,
    max_joint_jerk: 400,
    free_speed: 1.5,
    straight_speed: 0.5,
    approach_distance: 0.06,
    lift_height: 0.06,
    retreat: "stay",
    // Tries are attempts.test.ts's: the boxes of the scene do not leave their place.
    max_attempts: 1,
    path_tolerance: 0.5,
    goal_time_tolerance: 2,
    // Test machines hold processes up for longer than a robot's may.
    joint_state_timeout: 0.5,
    heartbeat_timeout: 1,
    execute_frame_age: 10,
    stop_timeout: 1,
    ...more,
  } satisfies Values).flatMap(([name, value]) =>
    value === "" ? [] : ["-p", `${name}:=${spelled(name as ParameterName, value)}`],
  );

/** A camera, a simulated driver and the node, each a process of its own. */
export class ArmCell {
  #peer: Peer | undefined;
  #driver: Peer | undefined;
  #node: NodeProcess | undefined;
  #folder: string | undefined;
  #start: (() => Promise<NodeProcess>) | undefined;

  /**
   * @param options.describe false: the description comes from a file; options.action false: the topic alone is served;
   * options.srdf is published before the node starts; options.pipeline understands commands
   */
  async start(
    parameters: readonly string[],
    {
      action = true,
      describe = true,
      script,
      srdf,
      pipeline,
    }: {
      action?: boolean;
      describe?: boolean;
      script?: readonly string[];
      srdf?: string;
      pipeline?: "boxes";
    } = {},
  ): Promise<void> {
    const urdf = descriptions(["gen3"]).gen3!;
    this.#peer = new Peer();
    this.#driver = new Peer({}, "controller.py");
    await this.#driver.do("serve", {
      urdf: describe ? urdf : "",
      joints,
      configuration,
      action,
      ...(srdf !== undefined && { srdf }),
    });
    const file: string[] = [];
    if (!describe) {
      this.#folder = await mkdtemp(join(tmpdir(), "grasp-grounding-arm-"));
      const path = join(this.#folder, "robot.urdf");
      await writeFile(path, urdf);
      file.push("-p", `robot_description_file:=${path}`);
    }
    this.#start = () =>
      NodeProcess.start(
        [...parameters, ...file],
        pipeline === undefined ? {} : { TEST_PIPELINE: pipeline },
        script === undefined ? {} : { script, ready: false },
      );
    this.#node = await this.#start();
    if (script !== undefined) await this.#node.says(/configured with model/, 120);
    const peer = this.#peer;
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: ["diagnostics"] });
    await peer.do("tf", { ...frames, fixed: true, ...camera });
    await peer.do("camera");
    await this.armSays("idle");
    // The first image may come before depth has been discovered.
    if (script === undefined) await peer.do("grasp", { query: "the blue box" });
  }

  /** Starts the node again after its end. */
  async restart(): Promise<void> {
    this.#node = await this.#start!();
    await this.armSays("idle");
  }

  get node(): NodeProcess {
    return this.#node!;
  }

  async stop(): Promise<void> {
    await this.#node?.stop();
    await this.#peer?.close();
    await this.#driver?.close();
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
  }

  /** Signals the node and waits for its end. */
  async signal(signal: NodeJS.Signals): Promise<Exit> {
    return this.#node!.stop(signal);
  }

  /** rclpy's process. */
  get peer(): Peer {
    return this.#peer!;
  }

  get output(): string {
    return this.#node?.output ?? "";
  }

  /** Short names for what tests do most. */
  doors() {
    return {
      driver: (name: string, args: Readonly<Record<string, unknown>> = {}): Promise<Message> =>
        this.#driver!.do(name, args),
      grasp: (more: Readonly<Record<string, unknown>> = {}): Promise<Message> =>
        this.#peer!.do("grasp", { query: "the blue box", execute: true, wait: 60, ...more }),
      place: (query: string, more: Readonly<Record<string, unknown>> = {}): Promise<Message> =>
        this.#peer!.do("place", { query, execute: true, wait: 60, ...more }),
    };
  }

  /** Puts the camera (by TF) elsewhere along x, and what it sees with it; without a place, back. */
  async moveCamera(x = camera.xyz[0]!): Promise<void> {
    const [, y, z] = camera.xyz;
    await this.#peer!.do("tf", { ...frames, fixed: true, ...camera, xyz: [x, y, z] });
    await new Promise((resolve) => setTimeout(resolve, 300));
  }

  async set(name: ParameterName, value: boolean): Promise<void> {
    await this.#driver!.do("allow", { name, value });
  }

  /** Waits for the arm's line on /diagnostics. */
  async armSays(pattern: string, where: (arm: Message) => boolean = () => true): Promise<Message> {
    await this.#peer!.do("clear");
    let last = "";
    for (let tries = 0; tries < 30; tries++) {
      const arm = diagnosed(await this.#peer!.wait("diagnostics", { has: ": arm" }), "arm");
      if (new RegExp(pattern).test(arm.message) && where(arm)) return arm;
      last = JSON.stringify(arm);
    }
    throw new Error(`the arm never said ${pattern}; last: ${last}`);
  }

  /** Ends a goal's client while the arm moves; gives when the joints rested. */
  async leaveInMotion(): Promise<Message> {
    await this.#peer!.do("forget_grasp");
    return this.#driver!.do("leave", { query: "the blue box" });
  }
}
