import { safetyText, systemClock } from "../../arm/index.js";
import { type Seconds, secondsBetween, type Vec3 } from "../../geometry/index.js";
import { type Header, stampOf } from "../../messages/index.js";
import type { Parameters } from "../parameters/index.js";
import type { Rcl, RclNode, RclResponse, RclService, RclSubscription } from "../rcl.js";
import { makeQos } from "../topics/qos.js";
import type { ConfiguredArm } from "./configured-arm.js";

export interface ArmCommandDependencies {
  readonly rcl: Rcl;
  readonly node: RclNode;
  readonly parameters: () => Parameters;
  readonly ready: () => ConfiguredArm | undefined;
  /** Why there is no arm. */
  readonly why: () => string;
}

interface TwistStamped {
  readonly header: Header;
  readonly twist: { readonly linear: Xyz; readonly angular: Xyz };
}

interface Xyz {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

interface Answer {
  readonly success: boolean;
  readonly message: string;
}

/** The lease's labels for ~/teleop and ~/reset. */
const teleopOperator = "~/teleop";
const resetOperator = "~/reset";
/** Repeats of the same refusal are logged this often. */
const logEvery: Seconds = 2;

/** Commands to the arm over ROS: e-stop (topic and service), stop, reset, heartbeats and teleop. */
export class ArmCommands {
  readonly #dependencies: ArmCommandDependencies;
  readonly #services: readonly RclService[];
  readonly #subscriptions: readonly RclSubscription[];
  /** Sources that hold an emergency stop down. */
  readonly #pressed = new Set<"topic" | "service">();
  /** The emergency stop has to be latched in the next arm. */
  #latch = false;
  #holding: string | undefined;
  #teleop = false;
  #logged = { message: "", at: Number.NEGATIVE_INFINITY };

  constructor(dependencies: ArmCommandDependencies) {
    this.#dependencies = dependencies;
    const { rcl, node } = dependencies;
    this.#services = [
      this.#serve("std_srvs/srv/SetBool", "~/estop", ({ data }: { data: boolean }) =>
        this.#press("service", data),
      ),
      this.#serve("std_srvs/srv/Trigger", "~/reset", () => this.#reset()),
      this.#serve("std_srvs/srv/Trigger", "~/stop", () => this.#stop()),
    ];
    const newest = { qos: makeQos(rcl, 1, "best_effort") };
    this.#subscriptions = [
      node.createSubscription(
        "std_msgs/msg/Bool",
        "estop",
        { qos: makeQos(rcl, 10, "best_effort") },
        (message: { data: boolean }) => void this.#press("topic", message.data),
      ),
      node.createSubscription("std_msgs/msg/Empty", "~/heartbeat", newest, () => this.#heartbeat()),
      node.createSubscription("geometry_msgs/msg/TwistStamped", "~/teleop", newest, (message: TwistStamped) =>
        this.#log(this.#drive(message)),
      ),
    ];
  }

  /** Latches the stop in the next arm. */
  latch(): void {
    this.#latch = true;
  }

  /** From now on ~/heartbeat prolongs this operator's lease. @returns the call that ends this */
  expectHeartbeats(operator: string): () => void {
    this.#holding = operator;
    return () => {
      if (this.#holding === operator) this.#holding = undefined;
    };
  }

  /** Called often: a source that holds the e-stop down wins over a release by another; ends teleop that was stopped. */
  tick(): void {
    const arm = this.#dependencies.ready()?.arm;
    if (arm === undefined) return;
    const at = systemClock.now();
    const { snapshot } = arm.supervisor;
    if (this.#pressed.size > 0 && !snapshot.estopPressed)
      arm.handle({ type: "estop", source: [...this.#pressed].join(" and "), at });
    else if (this.#latch) {
      arm.handle({ type: "estop", source: "before", at });
      arm.handle({ type: "estop-released", at });
    }
    this.#latch = false;
    if (this.#teleop && arm.supervisor.state !== "moving") this.#endTeleop();
  }

  close(): void {
    const { node } = this.#dependencies;
    for (const each of this.#services) node.destroyService(each);
    for (const each of this.#subscriptions) node.destroySubscription(each);
  }

  #press(source: "topic" | "service", down: boolean): Answer {
    const already = this.#pressed.has(source);
    if (down) this.#pressed.add(source);
    else this.#pressed.delete(source);
    const arm = this.#dependencies.ready()?.arm;
    if (down) {
      arm?.handle({ type: "estop", source, at: systemClock.now() });
      if (!already) this.#dependencies.node.getLogger().warn(`emergency stop by ${source}`);
      return {
        success: true,
        message: arm === undefined ? `noted; ${this.#dependencies.why()}` : safetyText.estop,
      };
    }
    if (this.#pressed.size === 0) arm?.handle({ type: "estop-released", at: systemClock.now() });
    return { success: true, message: "released; ~/reset makes motion possible again" };
  }

  #reset(): Answer {
    const arm = this.#dependencies.ready()?.arm;
    if (arm === undefined) return { success: false, message: this.#dependencies.why() };
    arm.update();
    const at = systemClock.now();
    const claimed = arm.handle({ type: "claim", operator: resetOperator, at });
    const verdict = claimed.granted ? arm.handle({ type: "reset", operator: resetOperator, at }) : claimed;
    if (claimed.granted) arm.handle({ type: "release", operator: resetOperator, at });
    if (verdict.granted) return { success: true, message: "motion is possible again" };
    return { success: false, message: safetyText[verdict.refusal ?? "estop"] };
  }

  #stop(): Answer {
    const arm = this.#dependencies.ready()?.arm;
    if (arm === undefined) return { success: false, message: this.#dependencies.why() };
    arm.handle({ type: "stop", at: systemClock.now() });
    return { success: true, message: "told to stop" };
  }

  #heartbeat(): void {
    const arm = this.#dependencies.ready()?.arm;
    if (arm === undefined || this.#holding === undefined) return;
    // Planning may hold this process up for longer than a lease lasts; before the motion it may be taken again.
    const type = arm.supervisor.state === "idle" ? "claim" : "heartbeat";
    arm.handle({ type, operator: this.#holding, at: systemClock.now() });
  }

  /** @returns why it does not move; undefined when it does */
  #drive({ header, twist }: TwistStamped): string | undefined {
    const { ready, parameters, why } = this.#dependencies;
    const found = ready();
    if (found === undefined) return why();
    if (!parameters().allow_teleop) return "the parameter allow_teleop is off";
    const age = this.#age(header);
    // A command that waited while this process was held up is out of date.
    if (age > found.arm.supervisor.limits.commandAge) return `the command is ${age.toFixed(2)} s old`;
    const linear = inBase(found, header.frame_id, twist.linear);
    const angular = inBase(found, header.frame_id, twist.angular);
    if (linear === undefined || angular === undefined)
      return `it is in frame ${header.frame_id}; use ${found.base} or ${found.tip}`;
    const { arm, teleop } = found;
    arm.update();
    const at = systemClock.now();
    if (!this.#teleop) {
      const refused = this.#startTeleop(found, at);
      if (refused !== undefined) return refused;
    }
    arm.handle({ type: "heartbeat", operator: teleopOperator, at });
    const answer = teleop.command(teleopOperator, linear, angular, at);
    return answer.moved ? undefined : (answer.message ?? "it does not move");
  }

  /** By the sender's stamp; 0 where it sends none. */
  #age({ stamp }: Header): Seconds {
    if (stamp.sec === 0 && stamp.nanosec === 0) return 0;
    return secondsBetween(this.#dependencies.node.now().nanoseconds, stampOf(stamp));
  }

  #startTeleop({ arm }: ConfiguredArm, at: Seconds): string | undefined {
    const claimed = arm.handle({ type: "claim", operator: teleopOperator, at });
    if (!claimed.granted) return safetyText[claimed.refusal ?? "no-operator"];
    const granted = arm.handle({
      type: "request",
      operator: teleopOperator,
      at,
      motion: { kind: "teleop" },
    });
    this.#teleop = granted.granted;
    if (granted.granted) return undefined;
    arm.handle({ type: "release", operator: teleopOperator, at });
    return safetyText[granted.refusal ?? "disabled"];
  }

  #endTeleop(): void {
    this.#teleop = false;
    const arm = this.#dependencies.ready()?.arm;
    arm?.handle({ type: "release", operator: teleopOperator, at: systemClock.now() });
  }

  #log(message: string | undefined): void {
    if (message === undefined) return;
    const at = systemClock.now();
    if (message === this.#logged.message && at - this.#logged.at < logEvery) return;
    this.#logged = { message, at };
    this.#dependencies.node.getLogger().warn(`teleop: ${message}`);
  }

  #serve<R>(type: string, name: string, answer: (request: R) => Answer): RclService {
    return this.#dependencies.node.createService(type, name, (request: R, response: RclResponse) =>
      response.send(answer(request)),
    );
  }
}

/** A vector of a frame in the base's axes. */
function inBase(found: ConfiguredArm, frame: string, { x, y, z }: Xyz): Vec3 | undefined {
  if (frame === "" || frame === found.base) return [x, y, z];
  return frame === found.tip ? found.fromTool([x, y, z]) : undefined;
}
