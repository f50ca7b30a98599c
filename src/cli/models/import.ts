import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { GraspGroundingError } from "../../errors/index.js";
import { importCheckpoint, type ModelPrecision } from "../../model-store/index.js";
import { packageRoot } from "../../system/index.js";
import { importInto } from "./importing.js";

interface ImportFlags {
  checkpoint: string;
  name: string;
  clip?: string;
  variant?: string;
  vocab?: string;
  taps?: string;
  shallowestFirst?: boolean;
  precision?: ModelPrecision;
  images?: string;
  pictures?: string;
  python?: string;
  json?: boolean;
}

/** `models import`. */
export function importCommand(): Command {
  return new Command("import")
    .description("converts PyTorch weights to a model: HiFi-CS, CLIPSeg, or a transformers folder")
    .requiredOption(
      "--checkpoint <path>",
      "state dict of a decoder, with or without CLIP (.pth, .pt, .safetensors), or a folder of save_pretrained: CLIPSeg, OWLv2, Grounding DINO, SAM",
    )
    .requiredOption("--name <name>", "what the model will be called")
    .option(
      "--clip <file>",
      "CLIP's weights, where the checkpoint holds the decoder alone (default: what was pulled)",
    )
    .addOption(
      new Option("--variant <which>", "FiLM at one level or at each (default: found out)").choices([
        "single",
        "per-level",
      ]),
    )
    .addOption(
      new Option(
        "--precision <kind>",
        "the one used when only NAME is said; NAME@int8 and alike name another",
      )
        .choices(["fp32", "fp16", "int8"])
        .default("fp32"),
    )
    .option("--vocab <file>", "CLIP's bpe_simple_vocab_16e6.txt.gz or merges.txt (default: bundled)")
    .option("--taps <list>", "encoder blocks that are tapped", "1,3,5,7,9")
    .option("--shallowest-first", "the decoder's first level reads the first tap (default: the deepest)")
    .option("--images <folder>", "choose the int8 form on these images instead of drawn ones")
    .addOption(new Option("--pictures <folder>", "--images by its former name").hideHelp())
    .option("--python <path>", "interpreter that has models/export/requirements.txt (default: one is set up)")
    .option("--json", "print JSON")
    .action(async (flags: ImportFlags) => runImport(flags));
}

async function runImport(flags: ImportFlags): Promise<void> {
  const { name, images = flags.pictures } = flags;
  await importInto(name, async ({ store, folder, signal }) => {
    const outcome = await importCheckpoint({
      checkpoint: resolve(flags.checkpoint),
      name,
      store,
      packages: join(packageRoot, "models"),
      ...(flags.clip && { clip: resolve(flags.clip) }),
      ...(flags.variant && { variant: flags.variant }),
      ...(flags.vocab && { vocabulary: resolve(flags.vocab) }),
      ...(flags.taps && { taps: parseTaps(flags.taps) }),
      ...(flags.shallowestFirst && { shallowestFirst: true }),
      ...(flags.precision && { precision: flags.precision }),
      ...(images && { images: resolve(images) }),
      ...(flags.python && { interpreter: flags.python }),
      onProgress: (text, step, of) => {
        process.stderr.write(step === undefined ? `  ${text}\n` : `${step}/${of} ${text}\n`);
      },
      signal,
    });
    if (flags.json) process.stdout.write(`${JSON.stringify({ ...outcome, folder }, undefined, 2)}\n`);
    else
      process.stdout.write(`${name}: ${folder}\nCheck it with \`grasp-grounding models verify ${name}\`.\n`);
  });
}

function parseTaps(list: string): number[] {
  const taps = list.split(",").map(Number);
  if (taps.length === 0 || taps.some((tap) => !Number.isInteger(tap) || tap < 0)) {
    throw new GraspGroundingError("USAGE", {
      detail: `--taps ${list}: whole numbers with commas, e.g. 1,3,5,7,9`,
    });
  }
  return taps;
}
