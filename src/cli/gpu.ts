import { Command } from "commander";
import { GraspGroundingError } from "../errors/index.js";
import { gpuFolder, nvidiaGap, onnxRuntimeFolder, providerGap } from "../inference/index.js";
import { gpuWheels, setUpGpu } from "../model-store/index.js";

interface SetupOptions {
  readonly from?: string;
  readonly index?: string;
  readonly withoutGpu?: boolean;
  readonly list?: boolean;
}

/** `gpu`: the libraries that CUDA needs. */
export const gpuCommand = (): Command =>
  new Command("gpu")
    .description("the GPU of this machine")
    .addCommand(
      new Command("setup")
        .description("fetches ONNX Runtime's CUDA provider, CUDA and cuDNN from the Python index (1.6 GB)")
        .option("--from <folder>", "take the wheels from this folder instead of the index")
        .option("--index <url>", "another Python index than pip's own setting")
        .option("--without-gpu", "on a machine without a GPU too, to prepare an image of a machine")
        .option("--list", "print the names and hashes of the wheels, and leave")
        .action(setUp),
    );

async function setUp({ from, index, withoutGpu, list }: SetupOptions): Promise<void> {
  if (list) {
    for (const { file, sha256, bytes } of gpuWheels) process.stdout.write(`${sha256}  ${file}  ${bytes}\n`);
    return;
  }
  // At once, and before anything is fetched.
  const gap = withoutGpu ? undefined : await nvidiaGap();
  if (gap !== undefined) throw new GraspGroundingError("GPU_MISSING", { detail: gap.detail });
  const { folder, libraries, fetched } = await setUpGpu({
    folder: await gpuFolder(),
    runtimeFolder: onnxRuntimeFolder(),
    onLine: (line) => process.stderr.write(`gpu setup: ${line}\n`),
    ...(from !== undefined && { from }),
    ...(index !== undefined && { index }),
  });
  const how = fetched === 0 ? "all there" : `${(fetched / 1e6).toFixed(0)} MB fetched`;
  process.stdout.write(`${libraries.length} libraries in ${folder}, ${how}\n`);
  const left = await providerGap("cuda");
  process.stdout.write(
    left === undefined
      ? "cuda: libraries are complete; `grasp-grounding doctor` runs a model on it\n"
      : `cuda: ${left.detail}; ${left.remedy}\n`,
  );
}
