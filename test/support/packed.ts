import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "./python.js";

/** The archive that `npm pack` makes of this checkout, in a folder of its own, which the caller removes. */
export interface Packed {
  readonly folder: string;
  /** An empty HOME. */
  readonly home: string;
  readonly tarball: string;
  readonly files: readonly { readonly path: string; readonly size: number }[];
  /** Runs a program as a user who has nothing of this project: no HOME of ours, no environment that points here. */
  readonly run: (
    command: string,
    args: readonly string[],
    cwd: string,
  ) => { readonly status: number | null; readonly stdout: string; readonly stderr: string };
}

/** Packs this checkout. */
export function pack(): Packed {
  const folder = mkdtempSync(join(tmpdir(), "package-"));
  const home = join(folder, "home");
  mkdirSync(home);
  const env = Object.fromEntries(
    Object.entries({ ...process.env, HOME: home }).filter(
      ([name]) => !/^(GRASP_GROUNDING|VITEST|NODE_ENV)/.test(name),
    ),
  );
  const run: Packed["run"] = (command, args, cwd) =>
    spawnSync(command, args, { cwd, env, encoding: "utf8", maxBuffer: 2 ** 26 });
  const packed = run("npm", ["pack", "--json", "--pack-destination", folder, repository], folder);
  const [report] = JSON.parse(packed.stdout) as [{ filename: string; files: Packed["files"] }];
  return { folder, home, tarball: join(folder, report.filename), files: report.files, run };
}
