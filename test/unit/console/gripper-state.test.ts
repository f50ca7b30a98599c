import fc from "fast-check";
import { expect, it } from "vitest";
import {
  type ArmReading,
  defaultLimits,
  initialSnapshot,
  type SupervisorEvent,
  type SupervisorSnapshot,
  stateOf,
  step,
  takenBy,
} from "../../../src/arm/index.js";
import {
  type Act,
  emptyGripper,
  type GraspedObject,
  type GripperState,
  nextGripperState,
  offeredActs,
  StageEvents,
} from "../../../src/console/motion/gripper-state.js";

/**
 * The gripper's state machine and the supervisor, driven together as the console drives them: an act begins with a claim and a
 * request, its stages go on while the supervisor lets the arm move, and any event may come in between.
 */
const limits = {
  ...defaultLimits,
  workspace: { min: [-1, -1, 0], max: [1, 1, 1.2] },
  lower: [-2],
  upper: [2],
  velocity: [1],
} as const;
const rest: ArmReading = { positions: [0], velocities: [0], tool: [0, 0, 0.5], toolSpeed: 0 };
const summary = {
  start: [0],
  minPosition: [0],
  maxPosition: [0],
  maxVelocity: [0],
  toolMin: [0, 0, 0.5],
  toolMax: [0, 0, 0.5],
  collisionFree: true,
} as const;
const apple: GraspedObject = {
  name: "the apple",
  taken: takenBy({ pose: { position: [0, 0, 0], orientation: [0, 0, 0, 1] }, width: 0.08 }, undefined),
};

/** Stages of each act, as the arm names them. */
const stages: Readonly<Record<Act, readonly string[]>> = {
  pick: ["open", "pre-grasp", "approach", "close", "lift", "retreat"],
  "put-here": ["pre-place", "lower", "release", "back-off", "retreat"],
  "put-back": ["pre-place", "lower", "release", "back-off", "retreat"],
  "put-at": ["pre-place", "lower", "release", "back-off", "retreat"],
  open: ["open"],
  close: ["close"],
  home: ["lift", "retreat"],
};

class World {
  gripper: GripperState = emptyGripper;
  /** The truth, which the console cannot see: something is between the fingers. */
  held = false;
  atHome = true;
  supervisor: SupervisorSnapshot = initialSnapshot;
  #now = 0;
  #act:
    | { readonly name: Act; readonly events: StageEvents; stage: number; readonly object: boolean }
    | undefined;

  constructor() {
    this.#tell({ type: "enable" });
    this.measure();
  }

  get acts(): readonly Act[] {
    return this.#act === undefined ? offeredActs(this.gripper, this.atHome) : [];
  }

  get busy(): boolean {
    return this.#act !== undefined;
  }

  #tell(event: Omit<SupervisorEvent, "at"> & Record<string, unknown>) {
    const { snapshot, verdict } = step(
      this.supervisor,
      { ...event, at: this.#now } as unknown as SupervisorEvent,
      limits,
    );
    this.supervisor = snapshot;
    return verdict;
  }

  measure(): void {
    this.#tell({ type: "reading", reading: rest });
  }

  /** Presses an act's button. @param object whether something is there for the fingers to close on */
  hold(name: Act, object: boolean): boolean {
    if (this.busy || !this.acts.includes(name)) return false;
    // The console reads the joints all the time.
    this.measure();
    this.#tell({ type: "claim", operator: "ada" });
    const motion =
      name === "pick" ? { kind: "grasp", frameAt: this.#now, summary } : { kind: "move", summary };
    if (!this.#tell({ type: "request", operator: "ada", motion }).granted) return false;
    const events = new StageEvents(
      (event) => {
        this.gripper = nextGripperState(this.gripper, event);
      },
      name === "pick" ? apple : undefined,
    );
    this.#act = { name, events, stage: -1, object };
    this.advance();
    return true;
  }

  /** The stage under way succeeds, and the next one begins where the supervisor still allows motion. */
  advance(): void {
    const act = this.#act;
    if (act === undefined) return;
    this.#tell({ type: "heartbeat", operator: "ada" });
    this.measure();
    if (stateOf(this.supervisor) !== "moving") {
      this.#end("stopped");
      return;
    }
    const names = stages[act.name];
    const done = names[act.stage];
    if (done === "close") {
      this.held ||= act.object;
      if (!this.held) {
        this.#end("nothing-held");
        return;
      }
    }
    if (done === "release" || done === "open") this.held = false;
    if (act.name !== "open" && act.name !== "close") this.atHome = false;
    act.stage++;
    const next = names[act.stage];
    if (next === undefined) {
      if (!["open", "close"].includes(act.name)) this.atHome = true;
      this.#end("done");
    } else act.events.begin(next);
  }

  /** The fingers may have done what they were told when a motion is stopped, or not. */
  stop(event: "stop" | "estop" | "silence", fingersDone: boolean): void {
    const act = this.#act;
    const stage = act === undefined ? undefined : stages[act.name][act.stage];
    if (event === "silence") this.#now += limits.lease + 0.001;
    this.#tell(
      event === "estop" ? { type: "estop", source: "test" } : { type: event === "stop" ? "stop" : "tick" },
    );
    if (act === undefined) return;
    if (fingersDone && stage === "close") this.held ||= act.object;
    if (fingersDone && (stage === "release" || stage === "open")) this.held = false;
    this.#end("stopped");
  }

  reset(): void {
    this.measure();
    this.#tell({ type: "estop-released" });
    this.#tell({ type: "claim", operator: "ada" });
    this.#tell({ type: "reset", operator: "ada" });
    this.#tell({ type: "release", operator: "ada" });
  }

  drop(): void {
    if (this.#act !== undefined || !this.held) return;
    this.held = false;
    this.gripper = nextGripperState(this.gripper, { type: "lost" });
  }

  #end(outcome: string): void {
    this.#act?.events.end(outcome);
    this.#act = undefined;
    this.#tell({ type: "finished" });
    this.measure();
    this.#tell({ type: "release", operator: "ada" });
    this.#now += 0.05;
    this.measure();
  }
}

type Step =
  | { readonly kind: "hold"; readonly act: Act; readonly object: boolean }
  | { readonly kind: "advance" }
  | { readonly kind: "reset" }
  | { readonly kind: "drop" }
  | { readonly kind: "stop"; readonly by: "stop" | "estop" | "silence"; readonly fingersDone: boolean };

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("hold" as const),
      act: fc.constantFrom(...(Object.keys(stages) as Act[])),
      object: fc.boolean(),
    }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("advance" as const) }) },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: "reset" }, { kind: "drop" }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("stop" as const),
      by: fc.constantFrom("stop" as const, "estop" as const, "silence" as const),
      fingersDone: fc.boolean(),
    }),
  },
);

function apply(world: World, each: Step): void {
  if (each.kind === "hold") world.hold(each.act, each.object);
  else if (each.kind === "advance") world.advance();
  else if (each.kind === "reset") world.reset();
  else if (each.kind === "drop") world.drop();
  else world.stop(each.by, each.fingersDone);
}

it("never claims to be empty while something is between the fingers", () => {
  let held = 0;
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80, size: "max" }), (history) => {
      const world = new World();
      for (const each of history) {
        apply(world, each);
        if (!world.held) continue;
        held++;
        // While the fingers of a pick close the state says so; until then nothing can be held.
        expect(world.gripper.kind).not.toBe("empty");
      }
    }),
    { numRuns: 2000, seed: 11 },
  );
  expect(held).toBeGreaterThan(1000);
});

it("always has an act that leads to an empty gripper and the arm at home", () => {
  const visited = new Map<string, number>();
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 80, size: "max" }), (history) => {
      const world = new World();
      for (const each of history) apply(world, each);
      if (world.busy) world.stop("stop", false);
      visited.set(world.gripper.kind, (visited.get(world.gripper.kind) ?? 0) + 1);
      if (stateOf(world.supervisor) === "estopped") world.reset();
      expect(stateOf(world.supervisor)).toBe("idle");
      // What an operator does who takes the first offer that clears the gripper, then returns home.
      for (let acts = 0; acts < 3; acts++) {
        if (world.gripper.kind === "empty" && world.atHome) break;
        const act = world.gripper.kind === "empty" ? "home" : "open";
        expect(world.acts).toContain(act);
        expect(world.hold(act, false)).toBe(true);
        while (world.busy) world.advance();
      }
      expect([world.gripper.kind, world.held, world.atHome]).toEqual(["empty", false, true]);
    }),
    { numRuns: 2000, seed: 12 },
  );
  // Each kind of state was an end of some history: the property was not true for want of cases.
  for (const kind of ["empty", "holding", "unsure"]) expect(visited.get(kind) ?? 0).toBeGreaterThan(50);
});

it("offers to put down only what it knows how to put down", () => {
  expect(offeredActs({ kind: "holding", object: { name: "an object" } }, false)).toEqual(["open", "home"]);
  expect(offeredActs({ kind: "holding", object: apple }, true)).toEqual([
    "put-here",
    "put-back",
    "put-at",
    "open",
  ]);
  expect(offeredActs(emptyGripper, true)).not.toContain("open");
  expect(offeredActs({ kind: "unsure" }, true)).toEqual(["open", "close"]);
});

it("calls the gripper unsure from the moment its fingers begin to close, and names what they were to take", () => {
  let state: GripperState = emptyGripper;
  const events = new StageEvents((event) => {
    state = nextGripperState(state, event);
  }, apple);
  for (const stage of ["open", "pre-grasp", "approach"]) {
    events.begin(stage);
    expect(state.kind).toBe("empty");
  }
  events.begin("close");
  expect(state).toEqual({ kind: "unsure", object: apple });
  events.end("stopped");
  expect(state).toEqual({ kind: "unsure", object: apple });
});
