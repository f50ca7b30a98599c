import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Shared memory of Fast DDS whose process is gone. */
export interface StaleSegments {
  /** Names of the segments, without their lock files. */
  readonly names: readonly string[];
  /** What they take together. */
  readonly bytes: number;
}

const segmentName = /^fastrtps_[0-9a-f]{16}$/;

/**
 * The segments that processes left behind which were killed: nobody holds their lock files. Their memory is not
 * free until they are removed.
 * Source: SharedSegment and RobustExclusiveLock of Fast DDS 2.14, which lock `NAME_el` by flock(2) while a participant
 * lives; its tool `fastdds shm clean` decides alike.
 * @param folder for tests; Linux has shared memory in /dev/shm.
 */
export function staleSegments(folder = "/dev/shm"): StaleSegments {
  if (!existsSync(folder)) return { names: [], bytes: 0 };
  const locked = lockedInodes();
  const names = readdirSync(folder).filter((name) => {
    const lock = join(folder, `${name}_el`);
    return segmentName.test(name) && existsSync(lock) && !isLocked(lock, locked);
  });
  const bytes = names.reduce(
    (sum, name) => sum + (statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
  return { names, bytes };
}

/** The shell command that removes stale segments and touches no others. */
export const clearSegmentsCommand = (folder = "/dev/shm"): string =>
  `for f in ${folder}/fastrtps_????????????????_el; do flock -n "$f" true && rm -f "$f" "\${f%_el}"; done`;

function isLocked(file: string, locked: ReadonlySet<number>): boolean {
  const inode = statSync(file, { throwIfNoEntry: false })?.ino;
  if (inode === undefined || locked.has(inode)) return true;
  // /proc/locks leaves out processes of other containers; flock(1) meets their locks too.
  const { status, error } = spawnSync("flock", ["--nonblock", "--shared", file, "true"]);
  return error === undefined && status !== 0;
}

/** Inodes of files that some process has locked, whatever their file system. */
function lockedInodes(): ReadonlySet<number> {
  if (!existsSync("/proc/locks")) return new Set();
  const inodes = [...readFileSync("/proc/locks", "utf8").matchAll(/ [0-9a-f]+:[0-9a-f]+:(\d+) /g)];
  return new Set(inodes.map(([, inode]) => Number(inode)));
}
