import { copyFile, mkdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Command, Option } from "commander";
import { describe, GraspGroundingError } from "../../errors/index.js";
import { servedModel } from "../../grounding/index.js";
import { type ModelFiles, type ModelPart, modelParts } from "../../inference/index.js";
import {
  locateConfig,
  type PartMetadata,
  partConfig,
  partName,
  type TritonOptions,
} from "../../inference/oip/triton.js";
import { findModel } from "../../model-store/index.js";
import { wholeNumber } from "../../system/index.js";

interface ExportFlags extends TritonOptions {
  readonly triton: string;
}

/** `models export`: a model in the layout of serving engines. */
export function exportCommand(): Command {
  return new Command("export")
    .description("writes a model as a serving engine wants it: a model repository for NVIDIA Triton")
    .argument("<name>", "model or its folder; NAME@fp16 for half precision")
    .requiredOption(
      "--triton <folder>",
      "the model repository; folders of this model's parts are written into it",
    )
    .option("--max-batch <n>", "images (or queries) the scheduler may put together", wholeNumber(1), 8)
    .option(
      "--queue-delay <µs>",
      "longest time that the first request of a batch waits for others",
      wholeNumber(0),
      2000,
    )
    .option("--instances <n>", "copies of each part on a device", wholeNumber(1), 1)
    .addOption(new Option("--kind <device>", "where it runs").choices(["gpu", "cpu"]).default("gpu"))
    .option("--tensorrt", "hand the graph to TensorRT; built engines stay in the repository", false)
    .option("--fp16", "half precision in TensorRT", false)
    .action(async (name: string, flags: ExportFlags) => {
      const written = await exportTriton(await findModel(name), resolve(flags.triton), flags);
      process.stdout.write(
        `${written.map((path) => `${path}\n`).join("")}Serve it: tritonserver --model-repository ${resolve(flags.triton)}\n`,
      );
    });
}

/**
 * Writes the repository's folders, each whole or not at all. @throws GraspGroundingError MODEL_*,
 * OUTPUT_UNWRITABLE
 */
export async function exportTriton(folder: string, to: string, options: TritonOptions): Promise<string[]> {
  const { files: model, verify } = await servedModel(folder);
  await verify();
  const metadata = await readMetadata(model);
  const written: string[] = [];
  for (const [part, one] of metadata) {
    const config = partConfig(model, part, one, options);
    written.push(await writeModel(to, partName(model.name, part), config, model.files[part]));
  }
  const [encoder, decoder] = [metadata.get("encoder"), metadata.get("decoder")];
  if (encoder === undefined || decoder === undefined) return written;
  const locate = locateConfig(model, encoder, decoder);
  written.push(await writeModel(to, partName(model.name, "locate"), locate));
  return written;
}

async function readMetadata(model: ModelFiles): Promise<ReadonlyMap<ModelPart, PartMetadata>> {
  const { InferenceSession } = await import("onnxruntime-node");
  const metadata = new Map<ModelPart, PartMetadata>();
  for (const part of modelParts) {
    const file = model.files[part];
    if (file === undefined) continue;
    const session = await InferenceSession.create(file, { graphOptimizationLevel: "disabled" });
    const { inputMetadata, outputMetadata } = session;
    await session.release();
    metadata.set(part, { inputMetadata, outputMetadata });
  }
  return metadata;
}

async function writeModel(to: string, name: string, config: string, onnx?: string): Promise<string> {
  const path = join(to, name);
  const temporary = join(to, `.${name}.${process.pid}.part`);
  try {
    if ((await stat(path).catch(() => undefined)) !== undefined)
      throw new GraspGroundingError("MODEL_EXISTS", { name, path });
    await mkdir(join(temporary, "1"), { recursive: true });
    if (onnx !== undefined) await copyFile(onnx, join(temporary, "1", "model.onnx"));
    await writeFile(join(temporary, "config.pbtxt"), config);
    await rename(temporary, path);
    return path;
  } catch (cause) {
    await rm(temporary, { recursive: true, force: true });
    if (cause instanceof GraspGroundingError) throw cause;
    throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
  }
}
