import type { Vec3 } from "../../geometry/index.js";
import { brokenLimit, checkLimits, leaving, outside, planned, wellFormed } from "./supervisor-limits.js";
import type {
  ArmReading,
  MonotonicSeconds,
  MotionRequest,
  SafetyReason,
  SupervisorEvent,
  SupervisorLimits,
  SupervisorState,
  TeleopCommand,
  Verdict,
} from "./supervisor-types.js";

/** The whole state of the supervisor; a value, so that any history can be replayed. */
export interface SupervisorSnapshot {
  readonly now: MonotonicSeconds;
  readonly enabled: boolean;
  /** The phase of the arm as the supervisor knows it. */
  readonly phase: "still" | "moving" | "stopping";
  /** Set by an e-stop or a fault; only `reset` clears it. */
  readonly latch: SafetyReason | undefined;
  readonly estopPressed: boolean;
  /** Who holds the control, and until when without another heartbeat. */
  readonly operator: string | undefined;
  readonly leaseUntil: MonotonicSeconds;
  readonly motion: MotionRequest["kind"] | undefined;
  /** Teleop: when the last command stops counting. */
  readonly commandUntil: MonotonicSeconds;
  readonly reading: ArmReading | undefined;
  readonly readingAt: MonotonicSeconds;
  /** Why the last motion ended, and by when the arm must be still. */
  readonly ended: SafetyReason | undefined;
  readonly stillBy: MonotonicSeconds;
}

export const initialSnapshot: SupervisorSnapshot = {
  now: Number.NEGATIVE_INFINITY,
  enabled: false,
  phase: "still",
  latch: undefined,
  estopPressed: false,
  operator: undefined,
  leaseUntil: Number.NEGATIVE_INFINITY,
  motion: undefined,
  commandUntil: Number.NEGATIVE_INFINITY,
  reading: undefined,
  readingAt: Number.NEGATIVE_INFINITY,
  ended: undefined,
  stillBy: Number.POSITIVE_INFINITY,
};

interface Step {
  readonly snapshot: SupervisorSnapshot;
  readonly verdict: Verdict;
}

/**
 * Decides whether the arm may move. It commands nothing itself: whoever drives a controller asks it before each motion,
 * tells it everything that happens, and stops the controller when a verdict says so. No certified safety function: see
 * docs/safety.md.
 */
export class SafetySupervisor {
  readonly limits: SupervisorLimits;
  #snapshot = initialSnapshot;

  /** @throws GraspGroundingError ARM_CONFIG for limits that contradict themselves or exceed what may be set. */
  constructor(limits: SupervisorLimits) {
    this.limits = checkLimits(limits);
  }

  get snapshot(): SupervisorSnapshot {
    return this.#snapshot;
  }

  get state(): SupervisorState {
    return stateOf(this.#snapshot);
  }

  handle(event: SupervisorEvent): Verdict {
    const { snapshot, verdict } = step(this.#snapshot, event, this.limits);
    this.#snapshot = snapshot;
    return verdict;
  }

  /**
   * True only while a granted motion may go on at this moment; asked before every set-point. Only looks: the order to
   * stop comes with the verdict of the next event, so that it cannot get lost here.
   */
  mayMove(at: MonotonicSeconds): boolean {
    return stateOf(step(this.#snapshot, { type: "tick", at }, this.limits).snapshot) === "moving";
  }
}

export function stateOf({ latch, phase, enabled }: SupervisorSnapshot): SupervisorState {
  if (latch !== undefined) return "estopped";
  if (phase !== "still") return phase;
  return enabled ? "idle" : "disabled";
}

/** The transition function: snapshot and event -> next snapshot and orders. Pure. */
export function step(before: SupervisorSnapshot, event: SupervisorEvent, limits: SupervisorLimits): Step {
  if (!Number.isFinite(event.at)) {
    const snapshot = latched(before, "clock", limits);
    return { snapshot, verdict: { granted: false, refusal: "clock", stop: true } };
  }
  // An earlier time than the last one counts as the last one: a clock that jumps back must not prolong a lease.
  const now = Math.max(event.at, before.now);
  const watched = watch({ ...before, now }, limits);
  const { snapshot, refusal, scale, stop } = apply(watched, event, limits);
  const ordered =
    stop === true ||
    (before.phase === "moving" && snapshot.phase !== "moving") ||
    (snapshot.phase === "stopping" && now >= snapshot.stillBy);
  return {
    snapshot,
    verdict: {
      granted: refusal === undefined,
      stop: ordered,
      ...(refusal !== undefined && { refusal }),
      ...(scale !== undefined && { scale }),
    },
  };
}

/** Effects of time alone: leases, commands and joint states expire, and stops take too long. */
function watch(s: SupervisorSnapshot, limits: SupervisorLimits): SupervisorSnapshot {
  if (s.phase === "moving") {
    if (s.now > s.leaseUntil) return stopping(s, "lease-expired", limits);
    if (!fresh(s, limits)) return latched(s, "no-feedback", limits);
    if (s.motion === "teleop" && s.now > s.commandUntil) return stopping(s, "command-lost", limits);
  }
  if (s.phase === "stopping" && s.now > s.stillBy && s.latch === undefined) {
    return { ...s, latch: "stop-overrun" };
  }
  return s;
}

interface Applied {
  readonly snapshot: SupervisorSnapshot;
  readonly refusal?: SafetyReason;
  readonly scale?: number;
  readonly stop?: boolean;
}

function apply(s: SupervisorSnapshot, event: SupervisorEvent, limits: SupervisorLimits): Applied {
  switch (event.type) {
    case "tick":
      return { snapshot: s };
    case "enable":
      return { snapshot: { ...s, enabled: true } };
    case "disable":
      return { snapshot: { ...stopping(s, "disabled", limits), enabled: false } };
    case "stop":
      return { snapshot: stopping(s, "cancelled", limits), stop: true };
    case "finished":
      return { snapshot: stopping(s, "finished", limits) };
    case "estop":
      return { snapshot: { ...latched(s, "estop", limits), estopPressed: true }, stop: true };
    case "estop-released":
      return { snapshot: { ...s, estopPressed: false } };
    case "claim":
      return claim(s, event.operator, limits);
    case "release":
      return refusedUnlessHeld(s, event.operator) ?? release(s, limits);
    case "heartbeat":
      return refusedUnlessHeld(s, event.operator) ?? { snapshot: leased(s, event.operator, limits) };
    case "reset":
      return refusedUnlessHeld(s, event.operator) ?? reset(s, limits);
    case "reading":
      return read(s, event.reading, limits);
    case "request":
      return refusedUnlessHeld(s, event.operator) ?? request(s, event.motion, limits);
    case "teleop":
      return refusedUnlessHeld(s, event.operator) ?? drive(s, event.command, limits);
  }
}

const refuse = (snapshot: SupervisorSnapshot, refusal: SafetyReason): Applied => ({ snapshot, refusal });

/** Ends a motion, if there is one. */
function stopping(s: SupervisorSnapshot, ended: SafetyReason, limits: SupervisorLimits): SupervisorSnapshot {
  if (s.phase !== "moving") return s;
  return { ...s, phase: "stopping", motion: undefined, ended, stillBy: s.now + limits.stopWithin };
}

/** Ends any motion and keeps the arm from moving until `reset`; the first cause stays. */
const latched = (
  s: SupervisorSnapshot,
  cause: SafetyReason,
  limits: SupervisorLimits,
): SupervisorSnapshot => ({
  ...stopping(s, cause, limits),
  latch: s.latch ?? cause,
});

const leased = (s: SupervisorSnapshot, id: string, limits: SupervisorLimits): SupervisorSnapshot => ({
  ...s,
  operator: id,
  leaseUntil: s.now + limits.lease,
});

function refusedUnlessHeld(s: SupervisorSnapshot, operator: string): Applied | undefined {
  if (s.operator === undefined) return refuse(s, "no-operator");
  if (s.operator !== operator) return refuse(s, "other-operator");
  if (s.now > s.leaseUntil) return refuse(s, "lease-expired");
  return undefined;
}

function claim(s: SupervisorSnapshot, id: string, limits: SupervisorLimits): Applied {
  const held = s.now <= s.leaseUntil;
  if (held && s.operator !== id) return refuse(s, "other-operator");
  // Another operator must not inherit a motion: it has to have ended first.
  if (!held && s.phase !== "still") return refuse(s, "not-still");
  return { snapshot: leased(s, id, limits) };
}

const release = (s: SupervisorSnapshot, limits: SupervisorLimits): Applied => ({
  snapshot: { ...stopping(s, "released", limits), operator: undefined, leaseUntil: Number.NEGATIVE_INFINITY },
});

function reset(s: SupervisorSnapshot, limits: SupervisorLimits): Applied {
  if (s.latch === undefined) return refuse(s, "not-latched");
  if (s.estopPressed) return refuse(s, "estop-pressed");
  if (s.phase !== "still") return refuse(s, "not-still");
  if (!fresh(s, limits)) return refuse(s, "no-feedback");
  if (!still(s, limits)) return refuse(s, "not-still");
  return { snapshot: { ...s, latch: undefined } };
}

function read(s: SupervisorSnapshot, value: ArmReading, limits: SupervisorLimits): Applied {
  if (!wellFormed(value, limits)) {
    return {
      snapshot: s.phase === "moving" ? latched(s, "feedback-invalid", limits) : s,
      refusal: "feedback-invalid",
    };
  }
  const known = { ...s, reading: value, readingAt: s.now };
  if (known.phase === "stopping" && still(known, limits)) {
    return { snapshot: { ...known, phase: "still", stillBy: Number.POSITIVE_INFINITY } };
  }
  // A measured value beyond a limit shows a fault: a person has to check the arm before it moves again.
  const broken = known.phase === "moving" ? brokenLimit(value, s.motion, limits) : undefined;
  return { snapshot: broken === undefined ? known : latched(known, broken, limits) };
}

function request(s: SupervisorSnapshot, motion: MotionRequest, limits: SupervisorLimits): Applied {
  if (s.latch !== undefined) return refuse(s, "estop");
  if (!s.enabled) return refuse(s, "disabled");
  if (s.phase === "moving") return refuse(s, "already-moving");
  if (s.phase === "stopping") return refuse(s, "not-still");
  if (!fresh(s, limits)) return refuse(s, "no-feedback");
  if (!still(s, limits)) return refuse(s, "not-still");
  const reading = s.reading!;
  const frameAge = motion.kind === "grasp" ? s.now - motion.frameAt : 0;
  // An image from the future shows clocks that disagree: its age is not known.
  if (!(frameAge >= -0.05 && frameAge <= limits.frameAge)) return refuse(s, "frame-old");
  const refusal =
    motion.kind === "teleop"
      ? outside(reading.positions, reading.positions, reading.tool, reading.tool, limits)
      : planned(motion.summary, reading, limits);
  if (refusal !== undefined) return refuse(s, refusal);
  return {
    snapshot: {
      ...s,
      phase: "moving",
      motion: motion.kind,
      ended: undefined,
      commandUntil: s.now + limits.commandAge,
    },
  };
}

/** Answers one teleop command: the share of it that may be sent. */
function drive(s: SupervisorSnapshot, command: TeleopCommand, limits: SupervisorLimits): Applied {
  if (s.latch !== undefined) return refuse(s, "estop");
  if (s.motion !== "teleop") return refuse(s, "not-in-teleop");
  const { velocities, toolVelocity } = command;
  const numbers = [...velocities, ...toolVelocity];
  if (velocities.length !== limits.velocity.length || !numbers.every(Number.isFinite)) {
    return { snapshot: stopping(s, "command-invalid", limits), refusal: "command-invalid" };
  }
  const speed = Math.hypot(...toolVelocity);
  const shares = velocities.map((v, i) => limits.velocity[i]! / Math.abs(v));
  const scale = Math.min(1, limits.teleopSpeed / speed, ...shares);
  // The arm must still be inside after it has moved for as long as one command lasts and then stopped.
  const horizon = limits.commandAge + limits.stopWithin;
  const { positions, tool } = s.reading!;
  const ahead = positions.map((q, i) => q + velocities[i]! * scale * horizon);
  const place = tool.map((p, i) => p + toolVelocity[i]! * scale * horizon) as unknown as Vec3;
  const refusal = leaving(positions, ahead, tool, place, limits);
  const driven = { ...s, commandUntil: s.now + limits.commandAge };
  return refusal === undefined ? { snapshot: driven, scale } : { snapshot: driven, refusal, scale: 0 };
}

const fresh = (s: SupervisorSnapshot, limits: SupervisorLimits): boolean =>
  s.now - s.readingAt <= limits.feedbackAge;

const still = (s: SupervisorSnapshot, limits: SupervisorLimits): boolean =>
  s.reading!.velocities.every((v) => Math.abs(v) <= limits.stillBelow);
