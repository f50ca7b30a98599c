import { spawn, spawnSync } from "node:child_process";
import { createReadStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { resultSchema } from "../../src/pipeline/index.js";
import { repository } from "../support/python.js";
import { Program, sleep } from "./program.js";

const bag = join(repository, "demo", "demo.mcap");
const replay = [
  "replay",
  bag,
  "--query",
  "the banana",
  "--every",
  "10",
  "--quiet",
  "--no-timings",
  "--threads",
  "1",
];

/** Replays that run into full, slow and ending objects. Each either works or ends with one clear line and no half file. */
export class FileFaults {
  readonly violations: string[] = [];
  readonly #folder: string;
  #turn = 0;
  /** JSON lines of an undisturbed run. */
  #wanted = "";
  /** A file system of 256 KB, where one may be mounted. */
  readonly #small: string | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    const small = join(folder, "small");
    mkdirSync(small);
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", small]).status === 0;
    this.#small = mounted ? small : undefined;
  }

  async begin(): Promise<void> {
    const program = new Program([...replay, "--json", "-"]);
    if ((await program.ended(120)) !== 0) throw new Error(`replay failed: ${program.errors}`);
    this.#wanted = program.output;
  }

  end(): void {
    // Lazily: a program that was killed a moment ago may still be there.
    if (this.#small !== undefined) spawnSync("umount", ["--lazy", this.#small]);
  }

  readonly acts: Readonly<Record<string, () => Promise<void>>> = {
    diskFull: async () => {
      const full = this.#small;
      const out = join(full ?? this.#folder, "out.mcap");
      // The same by the file size limit where no file system may be mounted; 64 blocks of 1 KB.
      const program = new Program(
        [...replay, "--copy", "--out", out],
        full === undefined ? { ulimit: "-f 64" } : {},
      );
      const code = await program.ended(120);
      this.#refused("disk full", code, program.errors, /out\.mcap.*cannot be written/);
      if (existsSync(out)) this.violations.push("disk full: half a file was left behind");
      for (const name of readdirSync(full ?? this.#folder))
        if (name.startsWith("out.mcap")) {
          this.violations.push(`disk full: ${name} was left behind`);
          rmSync(join(full ?? this.#folder, name));
        }
    },
    fewDescriptors: async () => {
      const program = new Program(["replay", bag, "--query", "the banana", "--json", "-"], {
        // From too few to load the program up to just too few to open what it needs.
        ulimit: `-n ${20 + (this.#turn++ % 8) * 8}`,
      });
      const code = await program.ended(120);
      if (code !== 0) this.#refused("few descriptors", code, program.errors, /./);
    },
    slowDisk: async () => {
      // A pipe that is read a little at a time stands for a slow disk: nothing may be lost, nothing pile up.
      const pipe = join(this.#folder, "slow.jsonl");
      if (spawnSync("mkfifo", [pipe]).status !== 0) return;
      const program = new Program([...replay, "--json", pipe]);
      let read = "";
      const reading = (async () => {
        for await (const chunk of createReadStream(pipe, { highWaterMark: 512 })) {
          read += chunk;
          await sleep(2);
        }
      })();
      const code = await program.ended(180);
      if (code === 0) {
        await reading;
        if (read !== this.#wanted) this.violations.push("slow disk: lines were lost");
      } else this.#refused("slow disk", code, program.errors, /slow\.jsonl/);
      rmSync(pipe, { force: true });
      if (code !== 0) spawn("true"); // a reader that still waits ends with the test
    },
    killed: async () => {
      const path = join(this.#folder, "killed.jsonl");
      const program = new Program([...replay, "--every", "2", "--json", path]);
      await sleep(1_500 + Math.random() * 3_000);
      program.child.kill("SIGKILL");
      await program.ended();
      // What was written before is whole lines, the last one at most cut.
      const lines = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1) : [];
      for (const line of lines)
        if (!resultSchema.safeParse(JSON.parse(line)).success)
          this.violations.push("killed: a line is no result");
    },
  };

  #refused(what: string, code: number | null, errors: string, pattern: RegExp): void {
    const lines = errors.split("\n").filter((line) => line.startsWith("grasp-grounding: "));
    if (code !== 1 || lines.length !== 1 || !pattern.test(lines[0] ?? "") || /\n\s+at /.test(errors))
      this.violations.push(`${what}: exit code ${code}, ${JSON.stringify(errors.slice(-300))}`);
  }
}
