import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type ArmReading,
  defaultLimits,
  initialSnapshot,
  type SupervisorEvent,
  type SupervisorLimits,
  type SupervisorSnapshot,
  stateOf,
  step,
  type Verdict,
} from "../../../src/arm/index.js";

const limits: SupervisorLimits = {
  ...defaultLimits,
  workspace: { min: [-1, -1, 0], max: [1, 1, 1.2] },
  lower: [-2, Number.NEGATIVE_INFINITY],
  upper: [2, Number.POSITIVE_INFINITY],
  velocity: [1, 2],
};

/** Evenly spread: fc.double is even over bit patterns, and so mostly next to nothing. */
const thousandths = (min: number, max: number) => fc.integer({ min, max }).map((value) => value / 1000);
const number = fc.oneof(
  { weight: 8, arbitrary: thousandths(-3000, 3000) },
  { weight: 1, arbitrary: fc.constantFrom(Number.NaN, Infinity, -Infinity) },
);
const at0: ArmReading = { positions: [0, 0], velocities: [0, 0], tool: [0, 0, 0.5], toolSpeed: 0 };
const vec3 = fc.tuple(number, number, number);
const reading = fc.oneof(
  { weight: 20, arbitrary: fc.constant(at0) },
  { weight: 2, arbitrary: fc.constant({ ...at0, velocities: [0.2, 0] }) },
  {
    weight: 1,
    arbitrary: fc.record({
      positions: fc.array(number, { minLength: 1, maxLength: 2 }),
      velocities: fc.array(number, { minLength: 2, maxLength: 2 }),
      tool: vec3,
      toolSpeed: number,
    }),
  },
);
const good = {
  start: [0, 0],
  minPosition: [0, -1],
  maxPosition: [1, 0],
  maxVelocity: [1, 2],
  toolMin: [-0.1, -0.2, 0.1],
  toolMax: [0.5, 0.2, 0.6],
  collisionFree: true,
} as const;
const pair = fc.array(number, { minLength: 2, maxLength: 2 });
/** Sound but for one field: what would be refused for two reasons at once shows neither to be checked. */
const spoilt = fc
  .record({
    start: pair,
    minPosition: pair,
    maxPosition: pair,
    maxVelocity: pair,
    toolMin: vec3,
    toolMax: vec3,
  })
  .chain((bad) =>
    fc
      .constantFrom(...([...Object.keys(bad), "collisionFree"] as (keyof typeof good)[]))
      .map((field) => ({ ...good, [field]: field === "collisionFree" ? false : bad[field] })),
  );
const summary = fc.oneof({ weight: 3, arbitrary: fc.constant(good) }, { weight: 1, arbitrary: spoilt });
const operator = fc.oneof(
  { weight: 12, arbitrary: fc.constant("ada") },
  { weight: 1, arbitrary: fc.constantFrom("bob", "") },
);
const of = <T extends SupervisorEvent["type"]>(...types: T[]) =>
  fc.record({ type: fc.constantFrom(...types) });
const motion = fc.oneof(
  fc.record({ kind: fc.constant("move" as const), summary }),
  fc.record({ kind: fc.constant("teleop" as const) }),
  fc.record({
    kind: fc.constant("grasp" as const),
    frameAge: fc.oneof(
      { weight: 20, arbitrary: thousandths(-500, 3000) },
      { weight: 1, arbitrary: fc.constant(Number.NaN) },
    ),
    summary,
  }),
);
const slow = thousandths(-1500, 1500);
const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ velocities: fc.tuple(slow, slow), toolVelocity: fc.tuple(slow, slow, slow) }),
  },
  { weight: 1, arbitrary: fc.record({ velocities: fc.array(number, { maxLength: 3 }), toolVelocity: vec3 }) },
);

/** An event and the time that passes before it; grasp requests carry the image's age in place of its time. */
const event = fc.record({
  after: fc.oneof(
    { weight: 40, arbitrary: thousandths(0, 40) },
    { weight: 1, arbitrary: fc.double({ min: -1, max: 1 }) },
  ),
  body: fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant("reading" as const), reading }) },
    {
      weight: 4,
      arbitrary: fc.record({ type: fc.constantFrom("heartbeat" as const, "claim" as const), operator }),
    },
    { weight: 4, arbitrary: fc.record({ type: fc.constant("request" as const), operator, motion }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant("teleop" as const), operator, command }) },
    { weight: 2, arbitrary: of("tick", "enable", "estop-released") },
    { weight: 1, arbitrary: of("disable", "stop", "finished") },
    { weight: 1, arbitrary: fc.record({ type: fc.constant("estop" as const), source: fc.constant("test") }) },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constantFrom("release" as const, "reset" as const), operator }),
    },
  ),
});

/** Usual beginning, so that many histories reach a motion. */
const prelude: SupervisorEvent[] = [
  { type: "enable", at: 0 },
  { type: "claim", operator: "ada", at: 0 },
  { type: "reading", reading: at0, at: 0 },
];

interface Entry {
  readonly event: SupervisorEvent;
  /** Time that counts: never before that of the entry ahead of it. */
  readonly now: number;
  readonly before: SupervisorSnapshot;
  readonly after: SupervisorSnapshot;
  readonly verdict: Verdict;
}

function replay(
  raw: readonly (typeof event extends fc.Arbitrary<infer E> ? E : never)[],
  ready: boolean,
): Entry[] {
  const history: Entry[] = [];
  let clock = 0;
  let now = Number.NEGATIVE_INFINITY;
  let snapshot = initialSnapshot;
  const push = (e: SupervisorEvent) => {
    const before = snapshot;
    const result = step(before, e, limits);
    snapshot = result.snapshot;
    if (Number.isFinite(e.at)) now = Math.max(now, e.at);
    history.push({ event: e, now, before, after: snapshot, verdict: result.verdict });
  };
  if (ready) for (const e of prelude) push(e);
  for (const { after, body } of raw) {
    const at = clock + after;
    if (Number.isFinite(at)) clock = at;
    if (body.type === "request" && body.motion.kind === "grasp") {
      const { frameAge, ...rest } = body.motion;
      push({ ...body, motion: { ...rest, frameAt: at - frameAge }, at });
    } else push({ ...body, at } as SupervisorEvent);
  }
  return history;
}

/**
 * Kinds of events left out of a history: with all kinds mixed evenly, something would end every motion before, say, its
 * lease could run out.
 */
const enders = ["stop", "finished", "disable", "estop", "release", "reset"] as const;
const muted = fc.oneof(
  fc.subarray([...enders, "heartbeat", "claim", "reading", "teleop"] as const),
  fc.constant([...enders, "heartbeat", "claim"] as const),
  fc.constant([...enders, "reading"] as const),
  fc.constant([...enders, "teleop"] as const),
);

const histories = fc
  .tuple(fc.array(event, { maxLength: 120, size: "max" }), fc.boolean(), muted)
  .map(([raw, ready, without]) =>
    replay(
      raw.filter(({ body }) => !(without as readonly string[]).includes(body.type)),
      ready,
    ),
  );

/** Checks every entry of many random histories; says how often the check applied, so that it cannot pass unused. */
function always(
  check: (entry: Entry, i: number, history: readonly Entry[]) => boolean | undefined,
  least: number,
) {
  let applied = 0;
  fc.assert(
    fc.property(histories, (history) => {
      for (const [i, entry] of history.entries()) {
        const holds = check(entry, i, history);
        if (holds !== undefined) applied++;
        if (holds === false) throw new Error(`broken at ${i}: ${JSON.stringify(entry)}`);
      }
    }),
    { numRuns: 2500, seed: 7 },
  );
  expect(applied).toBeGreaterThan(least);
}

const moving = ({ after }: Entry) => stateOf(after) === "moving";
const startsMoving = ({ before, after }: Entry) =>
  stateOf(before) !== "moving" && stateOf(after) === "moving";
const wellFormed = (r: ArmReading) =>
  r.positions.length === 2 &&
  [...r.positions, ...r.velocities, ...r.tool, r.toolSpeed].every(Number.isFinite);
const lastIndex = (history: readonly Entry[], until: number, is: (e: Entry) => boolean) =>
  history.slice(0, until + 1).findLastIndex(is);

it("only a granted request sets the arm in motion", () => {
  always((e) => (startsMoving(e) ? e.event.type === "request" && e.verdict.granted : undefined), 100);
});

it("a motion starts only enabled, unlatched, with the holder's live lease, a fresh still reading and sound plans", () => {
  always((e, i, history) => {
    if (!startsMoving(e) || e.event.type !== "request") return undefined;
    const { motion: asked, operator: who } = e.event;
    const switched = lastIndex(history, i, (x) => x.event.type === "enable" || x.event.type === "disable");
    if (history[switched]?.event.type !== "enable") return false;
    const estop = lastIndex(history, i, (x) => x.event.type === "estop");
    const reset = lastIndex(history, i, (x) => x.event.type === "reset" && x.verdict.granted);
    if (estop > reset) return false;
    const beat = lastIndex(
      history,
      i,
      (x) =>
        (x.event.type === "heartbeat" || x.event.type === "claim") &&
        x.event.operator === who &&
        x.verdict.granted,
    );
    const released = lastIndex(history, i, (x) => x.event.type === "release" && x.verdict.granted);
    if (beat < 0 || released > beat || e.now - history[beat]!.now > limits.lease) return false;
    const seen = lastIndex(history, i, (x) => x.event.type === "reading" && wellFormed(x.event.reading));
    const last = history[seen];
    if (last?.event.type !== "reading" || e.now - last.now > limits.feedbackAge) return false;
    if (last.event.reading.velocities.some((v) => Math.abs(v) > limits.stillBelow)) return false;
    if (asked.kind === "grasp" && !(Math.abs(e.now - asked.frameAt - 1) <= 1.06)) return false;
    if (asked.kind === "teleop") return true;
    const s = asked.summary;
    return (
      s.collisionFree &&
      s.minPosition[0]! >= -2.00001 &&
      s.maxPosition[0]! <= 2.00001 &&
      s.maxVelocity[0]! <= 1.00001 &&
      s.maxVelocity[1]! <= 2.00001 &&
      [0, 1, 2].every(
        (k) => s.toolMin[k]! >= limits.workspace.min[k]! && s.toolMax[k]! <= limits.workspace.max[k]!,
      ) &&
      s.start.every(
        (q, k) => Math.abs(q - (last.event as { reading: ArmReading }).reading.positions[k]!) <= 0.05,
      )
    );
  }, 100);
});

it("a motion goes on only with a live lease, fresh readings within limits and no stop since its start", () => {
  always((e, i, history) => {
    if (!moving(e)) return undefined;
    const start = lastIndex(history, i, startsMoving);
    const since = history.slice(start + 1, i + 1);
    const endings = ["stop", "finished", "disable", "estop"];
    if (since.some((x) => endings.includes(x.event.type) || x.verdict.stop)) return false;
    const beats = history
      .slice(0, i + 1)
      .filter((x) => (x.event.type === "heartbeat" || x.event.type === "claim") && x.verdict.granted);
    if (!(e.now - beats.at(-1)!.now <= limits.lease)) return false;
    const readings = history
      .slice(0, i + 1)
      .filter((x) => x.event.type === "reading" && wellFormed(x.event.reading));
    if (!(e.now - readings.at(-1)!.now <= limits.feedbackAge)) return false;
    return since.every(
      (x) =>
        x.event.type !== "reading" ||
        (wellFormed(x.event.reading) &&
          Math.abs(x.event.reading.velocities[0]!) <= 1.1 &&
          Math.abs(x.event.reading.velocities[1]!) <= 2.2 &&
          Math.abs(x.event.reading.positions[0]!) <= 2.01 &&
          x.event.reading.tool.every(
            (p, k) => p >= limits.workspace.min[k]! - 0.01 && p <= limits.workspace.max[k]! + 0.01,
          )),
    );
  }, 1000);
});

it("a granted request is a motion, a refused one is none", () => {
  always((e) => {
    if (e.event.type !== "request") return undefined;
    const begun = startsMoving(e);
    return e.verdict.granted === begun && (begun || e.verdict.refusal !== undefined);
  }, 100);
});

it("time never runs back, and no lease reaches farther than one heartbeat from the latest time", () => {
  always((e) => {
    if (!Number.isFinite(e.event.at)) return undefined;
    return e.after.now === e.now && !(e.after.leaseUntil > e.now + limits.lease + 1e-12);
  }, 1000);
});

it("the control changes hands only with the arm at rest", () => {
  always((e) => {
    if (e.after.operator === undefined || e.after.operator === e.before.operator) return undefined;
    return e.event.type === "claim" && e.verdict.granted && e.after.phase === "still";
  }, 100);
});

it("whatever ends a motion orders a stop in the same step", () => {
  always((e) => {
    if (stateOf(e.before) !== "moving" || stateOf(e.after) === "moving") return undefined;
    return e.verdict.stop;
  }, 100);
});

it("an e-stop orders a stop and holds until a reset by the operator, released, at rest", () => {
  always((e) => {
    if (e.event.type === "estop") return e.verdict.stop && stateOf(e.after) === "estopped";
    if (stateOf(e.before) !== "estopped" || stateOf(e.after) === "estopped") return undefined;
    const last = e.before.reading;
    return (
      e.event.type === "reset" &&
      e.verdict.granted &&
      !e.before.estopPressed &&
      e.event.operator === e.before.operator &&
      e.before.phase === "still" &&
      last?.velocities.every((v) => Math.abs(v) <= limits.stillBelow) === true
    );
  }, 100);
});

it("a reset itself never moves the arm, nor does any event but a request", () => {
  always(
    (e) => (e.event.type === "reset" && e.verdict.granted ? stateOf(e.after) !== "moving" : undefined),
    20,
  );
});

it("teleop passes on at most 0.25 m/s, within the joints' speeds, for the operator alone, in teleop alone", () => {
  always((e) => {
    if (e.event.type !== "teleop" || !e.verdict.granted) return undefined;
    const { velocities, toolVelocity } = e.event.command;
    const scale = e.verdict.scale!;
    return (
      scale >= 0 &&
      scale <= 1 &&
      Math.hypot(...toolVelocity) * scale <= 0.25 + 1e-9 &&
      velocities.every((v, k) => Math.abs(v) * scale <= limits.velocity[k]! + 1e-9) &&
      e.event.operator === e.after.operator &&
      e.before.motion === "teleop" &&
      stateOf(e.after) === "moving"
    );
  }, 20);
});

it("silence ends every motion within the shortest of its leases", () => {
  always((e) => {
    if (!moving(e)) return undefined;
    const later = step(
      e.after,
      { type: "tick", at: e.now + Math.max(limits.lease, limits.feedbackAge) + 1e-9 },
      limits,
    );
    return stateOf(later.snapshot) !== "moving" && later.verdict.stop;
  }, 1000);
});

it("there is one operator: what another one asks changes nothing but the time", () => {
  always((e) => {
    const { event: x, before, now } = e;
    if (!("operator" in x) || before.operator === undefined || x.operator === before.operator)
      return undefined;
    if (now > before.leaseUntil) return undefined;
    const alone = step(before, { type: "tick", at: x.at }, limits);
    return !e.verdict.granted && JSON.stringify(e.after) === JSON.stringify(alone.snapshot);
  }, 100);
});
