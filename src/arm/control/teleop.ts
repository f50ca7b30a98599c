import type { Seconds, Vec3 } from "../../geometry/index.js";
import type { CollisionChecker } from "../collision/checker.js";
import type { Kinematics } from "../model/kinematics.js";
import { DampedStep } from "../model/least-squares.js";
import { type SafetyReason, safetyText } from "../safety/supervisor-types.js";
import type { Arm } from "./arm.js";
import type { ArmController } from "./controller.js";

export interface TeleopDependencies {
  readonly arm: Arm;
  readonly checker: CollisionChecker;
  readonly controller: ArmController;
  readonly kinematics: Kinematics;
}

export interface TeleopAnswer {
  readonly moved: boolean;
  /** Share of the wanted speed that was sent. */
  readonly scale: number;
  readonly reason?: SafetyReason;
  readonly message?: string;
}

/**
 * Moves the tool by velocity commands. The supervisor grants and scales each one, and collisions ahead are
 * checked.
 */
export class Teleop {
  readonly #dependencies: TeleopDependencies;
  readonly #step: DampedStep;

  constructor(dependencies: TeleopDependencies) {
    this.#dependencies = dependencies;
    this.#step = new DampedStep(dependencies.kinematics.n);
  }

  /**
   * One command; repeat it before the supervisor's `commandAge` is over. Near singular configurations the joints stay
   * slow and the tool leaves the commanded direction.
   * @param linear m/s and @param angular rad/s of the tool, in axes of the base frame
   */
  command(operator: string, linear: Vec3, angular: Vec3, at: Seconds): TeleopAnswer {
    const { arm, controller, kinematics } = this.#dependencies;
    arm.update();
    const reading = controller.reading();
    if (reading === undefined || controller.drive === undefined) return refused("no-feedback");
    kinematics.update(reading.positions);
    kinematics.updateJacobian();
    const requested = Float64Array.of(...linear, ...angular);
    const velocities = Array.from(
      this.#step.solve(kinematics.jacobian, requested, 1e-3, new Uint8Array(kinematics.n)),
    );
    return this.#send(operator, velocities, at);
  }

  /**
   * The same for single joints. @param velocities rad/s (m/s for prismatic joints), joint by joint
   */
  joints(operator: string, velocities: readonly number[], at: Seconds): TeleopAnswer {
    this.#dependencies.arm.update();
    if (velocities.length !== this.#dependencies.kinematics.n) return refused("command-invalid");
    return this.#send(operator, velocities, at);
  }

  #send(operator: string, velocities: readonly number[], at: Seconds): TeleopAnswer {
    const { arm, controller, kinematics } = this.#dependencies;
    const reading = controller.reading();
    if (reading === undefined || controller.drive === undefined) return refused("no-feedback");
    const toolVelocity = kinematics.toolVelocity(reading.positions, velocities);
    const verdict = arm.handle({ type: "teleop", operator, at, command: { velocities, toolVelocity } });
    if (!verdict.granted) {
      if (verdict.scale === 0)
        controller.drive(
          velocities.map(() => 0),
          0,
        );
      return refused(verdict.refusal!);
    }
    const scale = verdict.scale!;
    const { commandAge, stopWithin } = arm.supervisor.limits;
    const lookahead = (share: number) =>
      reading.positions.map((q, i) => q + velocities[i]! * scale * (commandAge + stopWithin) * share);
    if (this.#worse(reading.positions, lookahead(1)) || this.#worse(reading.positions, lookahead(0.5))) {
      controller.drive(
        velocities.map(() => 0),
        0,
      );
      return refused("collision");
    }
    controller.drive(
      velocities.map((v) => v * scale),
      commandAge,
    );
    return { moved: true, scale };
  }

  /** Whether the motion causes a new collision. An arm that is too close already may move away, not deeper. */
  #worse(here: readonly number[], there: readonly number[]): boolean {
    const { checker } = this.#dependencies;
    const found = checker.all(there);
    if (found.length === 0) return false;
    const already = checker.all(here);
    return found.some(
      ({ kind, link, other, distance }) =>
        !already.some(
          (each) =>
            each.kind === kind && each.link === link && each.other === other && each.distance <= distance,
        ),
    );
  }
}

const refused = (reason: SafetyReason): TeleopAnswer => ({
  moved: false,
  scale: 0,
  reason,
  message: safetyText[reason],
});
