import { usage } from "../errors/index.js";

/** One of `count` parts of the work, counted from 0. */
export interface Shard {
  readonly index: number;
  readonly count: number;
}

/**
 * `I/N`, counted from 0; `/N` or `auto/N` takes I from JOB_COMPLETION_INDEX (Kubernetes Indexed Jobs) or
 * SLURM_ARRAY_TASK_ID; `auto` takes N from SLURM_ARRAY_TASK_COUNT too. Arrays that do not begin at 0 are shifted by
 * SLURM_ARRAY_TASK_MIN.
 * @throws GraspGroundingError USAGE
 */
export function parseShard(text: string, env: NodeJS.ProcessEnv = process.env): Shard {
  const form = /^(?:(\d+|auto)?\/(\d+)|auto)$/.exec(text.trim());
  if (form === null) throw usage(`--shard ${text} is not I/N, /N or auto`);
  const [, given, total] = form;
  const count = Number(total ?? env.SLURM_ARRAY_TASK_COUNT ?? Number.NaN);
  const index = given === undefined || given === "auto" ? taskIndex(env) : Number(given);
  if (index === undefined)
    throw usage(`--shard ${text} needs JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID in the environment`);
  if (!Number.isInteger(count)) throw usage(`--shard ${text} needs SLURM_ARRAY_TASK_COUNT, or say N: /N`);
  if (count < 1 || count > 100_000 || !Number.isInteger(index) || index < 0 || index >= count)
    throw usage(`--shard ${index}/${count}: I counts from 0 and is below N`);
  return { index, count };
}

function taskIndex(env: NodeJS.ProcessEnv): number | undefined {
  if (env.JOB_COMPLETION_INDEX) return Number(env.JOB_COMPLETION_INDEX);
  if (env.SLURM_ARRAY_TASK_ID) return Number(env.SLURM_ARRAY_TASK_ID) - Number(env.SLURM_ARRAY_TASK_MIN ?? 0);
  return undefined;
}

/** A bag, or the part of its time from `from`/`of` to `to`/`of`. */
export interface Slice {
  readonly bag: number;
  readonly from: number;
  readonly to: number;
  readonly of: number;
}

/**
 * Slices of a shard. The bags lie on one line, each as long as the other, which is cut into `count` equal parts: with
 * more bags than shards most bags are read by one shard, with fewer each is cut by time. The
 * results of all shards, in order, equal those of one run.
 */
export function slicesOf(bags: number, shard: Shard = { index: 0, count: 1 }): readonly Slice[] {
  const { index, count } = shard;
  const begin = bags * index;
  const end = bags * (index + 1);
  const slices: Slice[] = [];
  for (let bag = Math.floor(begin / count); bag * count < end; bag++) {
    const from = Math.max(0, begin - bag * count);
    const to = Math.min(count, end - bag * count);
    if (to > from) slices.push({ bag, from, to, of: count });
  }
  return slices;
}

/** Log times of a slice, inclusive; undefined where it ends with the range. */
export function timesOf(
  { from, to, of }: Slice,
  range: { readonly start: bigint; readonly end: bigint },
): { readonly from: bigint | undefined; readonly to: bigint | undefined } {
  const at = (part: number) => range.start + ((range.end - range.start) * BigInt(part)) / BigInt(of);
  return { from: from === 0 ? undefined : at(from), to: to === of ? undefined : at(to) - 1n };
}

/** The shard's place in a file's name: `{shard}` becomes `3-of-8`. */
export const withShard = (path: string, shard: Shard | undefined): string =>
  path.replaceAll("{shard}", shard === undefined ? "all" : `${shard.index}-of-${shard.count}`);
