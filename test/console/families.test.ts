import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { consoleAddress } from "../support/console-address.js";
import { smallModel } from "../support/families.js";
import { repository } from "../support/python.js";
import { command, signIn } from "./support/console.js";

const folder = mkdtempSync(join(tmpdir(), "console-families-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

// One that draws masks and one that finds boxes: OWLv2 takes the same path as Grounding DINO.
it.each(["clipseg", "grounding-dino"] as const)(
  "the console answers with %s of random weights",
  async (family) => {
    const model = await smallModel(family, join(folder, family));
    const args = [
      "console",
      "--model",
      model,
      "--threshold",
      "0.05",
      "--port",
      "0",
      "--paused",
      "--no-audit",
    ];
    const program = spawn(process.execPath, [join(repository, "bin", "grasp-grounding.mjs"), ...args], {
      env: { ...process.env, GRASP_GROUNDING_SETUP: "skip" },
    });
    const exited = once(program, "exit");
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let output = "";
        const read = (chunk: Buffer) => {
          output += chunk;
          const found = consoleAddress(output);
          if (found !== undefined) resolve(found);
        };
        program.stdout.on("data", read);
        program.stderr.on("data", read);
        program.once("exit", () => reject(new Error(output)));
      });
      const { cookie } = await signIn(url);
      const ask = () => command(url, cookie, { name: "ask", query: "the banana" });
      let answer = await ask();
      // The recording's first image may still be on its way.
      while (answer.body.error?.code === "CONSOLE_NO_FRAME") answer = await ask();
      const { status, body } = answer;
      expect([status, body.error]).toEqual([200, undefined]);
      const { result } = body.result as { result: { model: string; query: string; detections: object[] } };
      expect(result).toMatchObject({ model: `${family}-fp32`, query: "the banana" });
      expect(result.detections.length).toBeGreaterThan(0);
      program.kill("SIGINT");
      expect((await exited)[0]).toBe(0);
    } finally {
      program.kill("SIGKILL");
    }
  },
);
