import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { usage } from "../../errors/index.js";
import { GraspNetwork, readGraspManifest } from "../../grasping/learned/index.js";
import { type GraspImportOptions, importGraspNetwork } from "../../model-store/index.js";
import { packageRoot, positive, positiveInteger } from "../../system/index.js";
import { importInto } from "./importing.js";

interface GraspImportFlags {
  onnx?: string;
  torchscript?: string;
  module?: string;
  weights?: string;
  outputs?: string;
  name: string;
  size: number;
  channels: string;
  widthPixels: number;
  colourMean: string;
  depthMean: string;
  depthLimit: number;
  licence?: string;
  python?: string;
  json?: boolean;
}

/** `models import-grasp`: a grasp network of PyTorch or ONNX becomes a model for `--grasp-model`. */
export function importGraspCommand(): Command {
  return new Command("import-grasp")
    .description("converts a GR-ConvNet-style grasp network (RGB-D in; quality, angle and width maps out)")
    .addOption(new Option("--onnx <file>", "the network, ONNX already").conflicts(["torchscript", "module"]))
    .addOption(
      new Option("--torchscript <file>", "the network, traced or scripted").conflicts(["onnx", "module"]),
    )
    .addOption(
      new Option(
        "--module <file:class>",
        "a class of PyTorch in a Python file, which is run: only one you trust",
      ).conflicts(["onnx", "torchscript"]),
    )
    .option("--weights <file>", "state dict for --module")
    .option("--outputs <names>", "names of quality,cos,sin,width, for --onnx (default: its first four)")
    .requiredOption("--name <name>", "what the network will be called")
    .addOption(
      new Option("--size <pixels>", "side of the square it sees").argParser(positiveInteger).default(224),
    )
    .option("--channels <letters>", "input channels in order: d, r, g, b", "drgb")
    .addOption(
      new Option("--width-pixels <n>", "pixels a width of 1 stands for").argParser(positive).default(150),
    )
    .option(
      "--colour-mean <value>",
      "subtracted from colour / 255: a number, or picture (its own mean)",
      "picture",
    )
    .option("--depth-mean <metres>", "subtracted from depth: a number, or picture (its own mean)", "picture")
    .addOption(
      new Option("--depth-limit <metres>", "depth is cut this far from the mean")
        .argParser(positive)
        .default(1),
    )
    .option("--licence <name>", "recorded with the network")
    .option("--python <path>", "interpreter that has models/export/requirements.txt (default: one is set up)")
    .option("--json", "print JSON")
    .action(runImport);
}

async function runImport(flags: GraspImportFlags): Promise<void> {
  const { name } = flags;
  const source = sourceOf(flags);
  await importInto(name, async ({ store, folder, signal }) => {
    const said = await importGraspNetwork({
      ...{ source, name, store },
      packages: join(packageRoot, "models"),
      ...{ size: flags.size, channels: flags.channels, widthPixels: flags.widthPixels },
      ...{ colourMean: flags.colourMean, depthMean: flags.depthMean, depthLimit: flags.depthLimit },
      ...(flags.licence && { licence: flags.licence }),
      ...(flags.python && { interpreter: flags.python }),
      onLine: (line) => process.stderr.write(`  ${line}\n`),
      signal,
    });
    // Opened as for planning: names and shapes of its input and outputs are checked here, not at the first grasp.
    await (await GraspNetwork.open(folder)).close();
    if (flags.json) {
      const manifest = await readGraspManifest(folder);
      process.stdout.write(`${JSON.stringify({ name, folder, check: said, manifest }, undefined, 2)}\n`);
    } else process.stdout.write(`${name}: ${folder} (${said})\nUse it: --grasp-model ${name}\n`);
  });
}

function sourceOf(flags: GraspImportFlags): GraspImportOptions["source"] {
  const { onnx, torchscript, module, weights, outputs } = flags;
  if (weights !== undefined && module === undefined) throw usage("--weights goes with --module");
  if (outputs !== undefined && onnx === undefined) throw usage("--outputs goes with --onnx");
  if (onnx !== undefined) return { onnx: resolve(onnx), ...(outputs !== undefined && { outputs }) };
  if (torchscript !== undefined) return { torchscript: resolve(torchscript) };
  if (module === undefined) throw usage("name the network: --onnx, --torchscript or --module");
  const [, file, kind] = /^(.+):([A-Za-z_]\w*)$/.exec(module) ?? [];
  if (file === undefined) throw usage(`--module ${module}: wanted FILE.py:CLASS`);
  return { module: `${resolve(file)}:${kind}`, ...(weights !== undefined && { weights: resolve(weights) }) };
}
