import { Command, Option } from "commander";
import { usage } from "../errors/index.js";
import { compare } from "../replay/compare.js";
import { rosAgain } from "../replay/publish.js";
import { replay } from "../replay/run.js";
import { parseShard } from "../replay/shard.js";
import type { ReplayOptions } from "../replay/types.js";
import { imageFile, nonNegative, outputFile, positiveInteger } from "../system/index.js";
import {
  collect,
  failIfNotFoundFlag,
  graspFlags,
  notFoundExitCode,
  pipelineFlags,
} from "./pipeline-flags.js";

/** `replay`: recorded bags and queries in; boxes, masks and grasps out. */
export function replayCommand(): Command {
  const command = new Command("replay")
    .description("ask recorded bags: boxes, masks and grasps for each frame")
    .argument(
      "[bag...]",
      ".mcap or .db3 files, rosbag2 folders, or http(s) addresses of these (presigned too)",
    )
    .optionsGroup("What is asked:")
    .option("--query <query>", "what to find; may be given several times", collect)
    .option("--queries <file>", "queries from a file, one a line")
    .option("--recorded", "ask what was asked on the bag's own query topic; the default without --query")
    .option("--query-topic <topic>", "topic of the recorded queries, when it is not named …/query")
    .optionsGroup("Which frames:")
    .option("--at <s>", "only the first frame at or after this many seconds from the start", nonNegative)
    .option("--from <s>", "first frame, in seconds from the start", nonNegative)
    .option("--to <s>", "last frame, in seconds from the start", nonNegative)
    .option("--every <n>", "every n-th frame", positiveInteger)
    .option(
      "--shard <i/n>",
      "the i-th of n parts, from 0; /n takes i from Kubernetes or Slurm",
      (text: string) => parseShard(text),
    )
    .option(
      "--rate <r>",
      "r times real time, dropping late frames; default: all, as fast as possible",
      nonNegative,
    )
    .optionsGroup("Topics, when the guess is wrong:")
    .option("--camera <name>", "a camera by a part of its colour topic, or all; several times", collect)
    .option("--colour <topic>", "colour topic")
    .option("--depth <topic>", "depth topic")
    .option("--no-depth", "boxes and masks only")
    .option("--camera-info <topic>", "camera info topic")
    .option("--depth-camera-info <topic>", "camera info of depth that is not aligned to colour")
    .option("--depth-registered", "depth is aligned to colour, whatever its frame says")
    .option("--no-depth-registered", "register depth through TF and both camera infos in any case")
    .option("--rectified", "the images are rectified: P of the camera info describes them")
    .option("--no-rectified", "the images are not rectified: K and D describe them")
    .option("--tolerance <s>", "largest stamp difference of a colour and depth pair", nonNegative, 0.02)
    .optionsGroup("What is written ({shard} in a name becomes 3-of-8):")
    .option("--json <file>", "one JSON line a frame and query (docs/result.schema.json); - for stdout")
    .option("--timings", "put timings into the JSON, which then differs from run to run")
    .option(
      "--out <file>",
      "an MCAP with detections, masks, markers and grasps for Foxglove and ros2 bag play",
      outputFile(".mcap"),
    )
    .option("--copy", "copy the recording's own messages, or the cut of them, into --out")
    .option(
      "--report <file>",
      "one HTML page with tables, images and plots, to mail around",
      outputFile(".html", ".htm"),
    )
    .option("--contact-sheet <file>", "many frames in one image (.png, .jpg)", imageFile)
    .option("--overlay <file>", "the last frame with what was found drawn in (.png, .jpg)", imageFile)
    .option("--resume", "go on where an interrupted or killed run stopped")
    .option("--quiet", "no table, no progress")
    .addOption(failIfNotFoundFlag("a query is found in no frame"))
    .optionsGroup("More than one run:")
    .option(
      "--compare <settings...>",
      "hold two models or settings against each other: lite lite,threshold=0.7",
    )
    .option(
      "--publish",
      "publish the recording and the answers on live ROS topics, with /clock; --rate 1 unless given",
    )
    .addOption(new Option("--no-timings").hideHelp())
    .optionsGroup("Model:");
  for (const flag of [...pipelineFlags("fast"), ...graspFlags()]) command.addOption(flag);
  command.addHelpText("after", "\nExamples and the rest: docs/replay.md");
  return command.action(
    async (given: readonly string[], options: ReplayOptions & { readonly failIfNotFound?: boolean }) => {
      // Commander gives a variadic option all following arguments: those after the second are bags.
      const bags = [...given, ...(options.compare ?? []).slice(2)];
      if (bags.length === 0) throw usage("name a bag");
      if (options.publish && (await rosAgain())) return;
      if (options.compare !== undefined) return await compare(bags, options);
      const { damage, notes, exitCode, notFound } = await replay(bags, options);
      for (const text of notes) process.stderr.write(`grasp-grounding: note: ${text}\n`);
      for (const text of damage) process.stderr.write(`grasp-grounding: ${text}\n`);
      if (exitCode !== 0) process.exitCode = exitCode;
      else if (options.failIfNotFound && notFound.length > 0) process.exitCode = notFoundExitCode;
    },
  );
}
