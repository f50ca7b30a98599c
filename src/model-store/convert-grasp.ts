import { access, mkdir, rename, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { GraspGroundingError } from "../errors/index.js";
import { pythonFor, runLines } from "./python.js";

export interface GraspImportOptions {
  /** The network: an ONNX file, a TorchScript archive, or `FILE.py:CLASS` (run as Python) with its weights. */
  readonly source:
    | { readonly onnx: string; readonly outputs?: string }
    | { readonly torchscript: string }
    | { readonly module: string; readonly weights?: string };
  readonly name: string;
  /** Folder that will hold the network's folder. */
  readonly store: string;
  /** Folder of the Python package `export`. */
  readonly packages: string;
  /** Side of the network's square input, in pixels. Default 224. */
  readonly size?: number;
  /** Letters d, r, g, b in the network's order. Default drgb. */
  readonly channels?: string;
  /** Pixels for a width of 1. Default 150. */
  readonly widthPixels?: number;
  /** Subtracted from colour / 255, or `picture`: the mean of the crop (default). */
  readonly colourMean?: string;
  /** Subtracted from metres, or `picture` (default). */
  readonly depthMean?: string;
  /** Metres from the mean at which depth is cut. Default 1. */
  readonly depthLimit?: number;
  readonly licence?: string;
  readonly interpreter?: string;
  readonly onLine?: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Converts a GR-ConvNet-style grasp network to `store/name` (grasp.onnx, grasp.json), checked against PyTorch;
 * on failure nothing is left there. Returns the last line of the conversion.
 * @throws GraspGroundingError IMPORT_FAILED, PYTHON_MISSING, PYTHON_PACKAGES
 */
export async function importGraspNetwork(options: GraspImportOptions): Promise<string> {
  const { packages, store, name, onLine, signal } = options;
  const python = await pythonFor({
    packages,
    ...(options.interpreter && { interpreter: options.interpreter }),
    ...(onLine && { onLine }),
    ...(signal && { signal }),
  });
  await mkdir(store, { recursive: true });
  const part = join(store, `.${name}.part`);
  await rm(part, { recursive: true, force: true });
  let said = "";
  try {
    const run = await runLines(python, ["-m", "export.grasp", ...pythonArguments(options), "--out", part], {
      env: {
        ...process.env,
        PYTHONPATH: [packages, process.env.PYTHONPATH].filter(Boolean).join(delimiter),
        PYTHONDONTWRITEBYTECODE: "1",
      },
      onLine: (line) => {
        said = line.replace(/^.*grasp\.onnx: /, "").trim() || said;
      },
      ...(signal && { signal }),
    });
    const written = await access(join(part, "grasp.json")).then(
      () => true,
      () => false,
    );
    if (run.code !== 0 || !written) {
      const detail = run.last.replace(/^grasp: /, "");
      throw new GraspGroundingError("IMPORT_FAILED", {
        detail: detail || `the conversion ended with exit code ${run.code}`,
      });
    }
    await rename(part, join(store, name));
  } finally {
    await rm(part, { recursive: true, force: true });
  }
  return said;
}

function pythonArguments(options: GraspImportOptions): string[] {
  const { source, size, channels, widthPixels, colourMean, depthMean, depthLimit, licence } = options;
  const pairs: readonly (readonly [string, string | number | undefined])[] = [
    ["--onnx", "onnx" in source ? source.onnx : undefined],
    ["--outputs", "onnx" in source ? source.outputs : undefined],
    ["--torchscript", "torchscript" in source ? source.torchscript : undefined],
    ["--module", "module" in source ? source.module : undefined],
    ["--weights", "module" in source ? source.weights : undefined],
    ["--size", size],
    ["--channels", channels],
    ["--width-pixels", widthPixels],
    ["--colour-mean", colourMean],
    ["--depth-mean", depthMean],
    ["--depth-limit", depthLimit],
    ["--licence", licence],
  ];
  return pairs.flatMap(([flag, value]) => (value === undefined ? [] : [`${flag}=${value}`]));
}
