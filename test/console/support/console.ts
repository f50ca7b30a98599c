import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  BagSource,
  type ConsoleOptions,
  type ConsoleSource,
  type RunningConsole,
  startConsole,
} from "../../../src/console/index.js";
import { createGraspPlanner } from "../../../src/grasping/index.js";
import { CommandGrounder } from "../../../src/grounding/index.js";
import { GraspPipeline } from "../../../src/pipeline/index.js";
import { repository } from "../../support/python.js";
import { ColourGrounder } from "./colour-grounder.js";

export const demoBag = join(repository, "demo", "demo.mcap");

export const truth = JSON.parse(readFileSync(join(repository, "demo", "truth.json"), "utf8")) as {
  readonly width: number;
  readonly height: number;
  readonly frames: readonly {
    readonly stamp: string;
    readonly objects: readonly { readonly name: string; readonly box: [number, number, number, number] }[];
  }[];
};

/** True box of an object in the image of a stamp. */
export function trueBox(stamp: string, name: string): [number, number, number, number] {
  const box = truth.frames
    .find((frame) => frame.stamp === stamp)
    ?.objects.find((object) => object.name === name)?.box;
  if (box === undefined) throw new Error(`no ${name} at ${stamp}`);
  return box;
}

export interface TestConsole extends RunningConsole {
  readonly source: BagSource;
}

/** The console on the demo recording, with a quick grounder on the real pixels and the real planner. */
export async function openConsole(
  options: Partial<ConsoleOptions> & { readonly delay?: number; readonly paused?: boolean } = {},
): Promise<TestConsole> {
  const { delay = 0, paused = true, ...rest } = options;
  const source = await BagSource.open(demoBag, { paused });
  const grounder = new CommandGrounder(new ColourGrounder(delay));
  const pipeline = new GraspPipeline({ grounder, planner: createGraspPlanner() });
  try {
    const running = await startConsole({ source, pipeline, port: 0, environment: {}, ...rest });
    return { ...running, source };
  } catch (error) {
    await source.close();
    throw error;
  }
}

/** The console on a source of its own. */
export async function serveSource(source: ConsoleSource): Promise<RunningConsole> {
  const pipeline = new GraspPipeline({ grounder: new ColourGrounder() });
  return startConsole({ source, pipeline, port: 0, environment: {} });
}

/** Signs in over HTTP. @returns the cookie, and the answer's status */
export async function signIn(url: string, body: object = {}): Promise<{ cookie: string; status: number }> {
  const answer = await fetch(new URL("api/session", url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { cookie: answer.headers.get("set-cookie")?.split(";")[0] ?? "", status: answer.status };
}

/** Sends one command over HTTP. */
export async function command(url: string, cookie: string, body: object) {
  const answer = await fetch(new URL("api/command", url), {
    method: "POST",
    headers: { "content-type": "application/json", cookie },
    body: JSON.stringify(body),
  });
  return {
    status: answer.status,
    body: (await answer.json()) as { ok?: true; result?: unknown; error?: { code: string; message: string } },
  };
}
