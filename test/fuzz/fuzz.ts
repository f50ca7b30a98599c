import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, it } from "vitest";
import { GraspGroundingError } from "../../src/errors/index.js";
import { processorMs } from "../support/busy.js";
import { repository } from "../support/python.js";

/** One way to damage bytes. Positions are shares of the length, so that a shrunk case stays meaningful. */
type Damage =
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "number"; readonly at: number; readonly value: number; readonly wide: boolean }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "remove"; readonly at: number; readonly length: number }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array };

const at = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
/** Numbers that lengths, counts and offsets are caught with. */
const treacherous = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const damage: fc.Arbitrary<Damage> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("set" as const), at, value: fc.nat(255) }),
  fc.record({
    kind: fc.constant("number" as const),
    at,
    value: fc.constantFrom(...treacherous),
    wide: fc.boolean(),
  }),
  fc.record({ kind: fc.constant("cut" as const), at }),
  fc.record({ kind: fc.constant("remove" as const), at, length: fc.nat(64) }),
  fc.record({ kind: fc.constant("repeat" as const), at, length: fc.nat(64), times: fc.nat(200) }),
  fc.record({ kind: fc.constant("insert" as const), at, bytes: fc.uint8Array({ maxLength: 32 }) }),
);

function apply(bytes: Uint8Array, { at: share, ...how }: Damage): Uint8Array {
  const position = Math.trunc(share * bytes.length);
  const join2 = (...parts: readonly Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  const before = bytes.subarray(0, position);
  const after = bytes.subarray(position);
  switch (how.kind) {
    case "cut":
      return bytes.slice(0, position);
    case "remove":
      return join2(before, after.subarray(how.length));
    case "repeat":
      return join2(before, ...Array.from({ length: how.times }, () => after.subarray(0, how.length)), after);
    case "insert":
      return join2(before, how.bytes, after);
  }
  const changed = bytes.slice();
  if (changed.length === 0) return changed;
  if (how.kind === "flip") changed[position]! ^= 1 << how.bit;
  else if (how.kind === "set") changed[position] = how.value;
  else {
    const width = how.wide ? 8 : 4;
    const aligned = position - (position % 4);
    if (aligned + width > changed.length) return changed;
    const view = new DataView(changed.buffer);
    if (how.wide) view.setBigUint64(aligned, BigInt(how.value) << 31n, true);
    else view.setUint32(aligned, how.value, true);
  }
  return changed;
}

/** A deeper look than the tests' own: GRASP_GROUNDING_FUZZ=20 runs twenty times as many cases, from a new seed. */
const times = Number(process.env.GRASP_GROUNDING_FUZZ ?? 1);
const seed = process.env.GRASP_GROUNDING_FUZZ === undefined ? { seed: 20_260_101 } : {};

export interface Target {
  readonly name: string;
  /** Good inputs to begin from. */
  readonly seeds: () => readonly Uint8Array[] | Promise<readonly Uint8Array[]>;
  /** Reads the bytes as the program does. */
  readonly read: (bytes: Uint8Array) => unknown;
  readonly runs: number;
  /** Whether a good input has to be read without an error. Default true. */
  readonly strict?: boolean;
}

/**
 * Whatever the bytes are: the reader returns or raises an error of the catalogue that is no INTERNAL, within five seconds, and takes
 * no absurd memory. What breaks it is written to test/fixtures/crashes, from where every later run reads it again.
 */
export function fuzz({ name, seeds, read, runs, strict = true }: Target): void {
  const folder = join(repository, "test", "fixtures", "crashes", name);
  const kept = existsSync(folder) ? readdirSync(folder).sort() : [];

  it.each(kept)(`${name}: %s, which broke it once, does not any more`, async (file) => {
    await survives(read, readFileSync(join(folder, file)));
  });

  it(`${name}: good input is read`, async () => {
    for (const bytes of await seeds()) if (strict) await read(bytes);
  });

  it(`${name}: damaged input is read or refused, ${runs} times`, async () => {
    const good = await seeds();
    expect(good.length).toBeGreaterThan(0);
    const cases = fc.tuple(fc.nat(good.length - 1), fc.array(damage, { minLength: 1, maxLength: 6 }));
    const bytesOf = ([which, damages]: [number, Damage[]]) =>
      damages.reduce((bytes, one) => apply(bytes, one), good[which] as Uint8Array);
    await fc.assert(
      fc.asyncProperty(cases, async (given) => {
        const bytes = bytesOf(given);
        try {
          await survives(read, bytes);
        } catch (error) {
          keep(folder, bytes);
          throw error;
        }
      }),
      { numRuns: runs * times, ...seed },
    );
  });
}

export async function survives(read: Target["read"], bytes: Uint8Array): Promise<void> {
  const memory = process.memoryUsage.rss();
  const began = processorMs();
  try {
    await read(bytes);
  } catch (error) {
    if (!(error instanceof GraspGroundingError)) throw error;
    expect(error.code, error.message).not.toBe("INTERNAL");
    expect(error.message).not.toMatch(/[\n\r]/);
  }
  // What is guarded against is minutes and gigabytes.
  expect(processorMs() - began).toBeLessThan(5_000);
  expect(process.memoryUsage.rss() - memory).toBeLessThan(800e6);
}

function keep(folder: string, bytes: Uint8Array): void {
  if (process.env.CI) return;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, createHash("sha256").update(bytes).digest("hex").slice(0, 12)), bytes);
}
