import { constants } from "node:fs";
import { access } from "node:fs/promises";
import { createRequire } from "node:module";
import { availableParallelism, freemem, totalmem } from "node:os";
import { delimiter, join } from "node:path";
import { Command } from "commander";
import { describe } from "../errors/index.js";
import { modelFiles, readManifest, verifyModel } from "../grounding/index.js";
import {
  type ExecutionProvider,
  executionProviders,
  InProcessBackend,
  providerGap,
  runtimeVersion,
} from "../inference/index.js";
import { defaultModel, findModel, listModels } from "../model-store/index.js";
import { table } from "../report/text-table.js";
import { clearSegmentsCommand, packageRoot, packageVersion, staleSegments } from "../system/index.js";
import { configName, readConfig } from "./config-file.js";

type Status = "ok" | "missing" | "failed";

interface Check {
  readonly name: string;
  readonly status: Status;
  readonly detail: string;
  /** The remedy; only when not ok. */
  readonly remedy?: string;
  /** Without it the main job does not run. */
  readonly required: boolean;
}

/**
 * `doctor`: checks this machine, with a remedy for each failure. Exit code 1 when a required check fails.
 * @param configProblems what files of options say and no command understands
 */
export function doctorCommand(configProblems: () => Promise<readonly string[]>): Command {
  return new Command("doctor")
    .description("what works on this machine, and what to do about the rest")
    .option("--json", "print JSON")
    .action(async (options: { json?: boolean }) => {
      const checks = [...(await runChecks()), await checkConfig(configProblems)];
      if (options.json) {
        process.stdout.write(`${JSON.stringify({ version: packageVersion(), checks }, undefined, 2)}\n`);
      } else {
        process.stdout.write(`${toText(checks)}\n`);
      }
      if (checks.some((check) => check.required && check.status !== "ok")) process.exitCode = 1;
    });
}

async function runChecks(): Promise<readonly Check[]> {
  return [
    checkNode(),
    checkMachine(),
    await checkOnnx(),
    ...(await checkProviders()),
    await checkSharp(),
    ...(await checkModels()),
    await checkRos(),
    ...checkSharedMemory(),
  ];
}

function checkNode(): Check {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const ok = major > 20 || (major === 20 && minor >= 20);
  return {
    name: "Node.js",
    status: ok ? "ok" : "failed",
    detail: process.versions.node,
    required: true,
    ...(!ok && { remedy: "install Node.js 20.20 or later" }),
  };
}

function checkMachine(): Check {
  const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  const detail = `${process.platform} ${process.arch}, ${availableParallelism()} cores, ${gib(freemem())} of ${gib(totalmem())} free`;
  return { name: "machine", status: "ok", detail, required: false };
}

async function checkOnnx(): Promise<Check> {
  try {
    const { listSupportedBackends } = await import("onnxruntime-node");
    const names = listSupportedBackends().map(({ name }) => name);
    const detail = `${await runtimeVersion()}, built with ${names.join(", ")}`;
    return { name: "ONNX Runtime", status: "ok", detail, required: true };
  } catch (error) {
    const remedy = "run `npm ci` again on this machine; Linux needs glibc 2.27 or later";
    return { name: "ONNX Runtime", status: "failed", detail: describe(error), remedy, required: true };
  }
}

async function checkProviders(): Promise<readonly Check[]> {
  const checks: Check[] = [];
  for (const provider of executionProviders) checks.push(await checkProvider(provider));
  return checks;
}

/** Whether a model runs there: libraries can all be found and still not work. */
async function checkProvider(provider: ExecutionProvider): Promise<Check> {
  const name = `provider ${provider}`;
  const gap = await providerGap(provider);
  if (gap !== undefined) return { name, status: "missing", ...gap, required: false };
  try {
    const folder = await findModel(defaultModel);
    const model = modelFiles(folder, await readManifest(folder));
    const backend = await InProcessBackend.create(model, { providers: [provider], warmUp: true });
    await backend.close();
    const detail = `${defaultModel} runs on ${backend.description}`;
    return { name, status: "ok", detail, required: provider === "cpu" };
  } catch (error) {
    const remedy =
      provider === "cpu"
        ? "reinstall the bundled model"
        : "fix that, or leave --provider at cpu; docs/inference.md";
    return { name, status: "failed", detail: describe(error), remedy, required: provider === "cpu" };
  }
}

async function checkSharp(): Promise<Check> {
  try {
    const { default: sharp } = await import("sharp");
    return { name: "sharp", status: "ok", detail: `libvips ${sharp.versions.vips}`, required: true };
  } catch (error) {
    return {
      name: "sharp",
      status: "failed",
      detail: describe(error),
      remedy: "run `npm ci` again",
      required: true,
    };
  }
}

async function checkModels(): Promise<readonly Check[]> {
  const models = await listModels();
  const checks = await Promise.all(
    models.map(async ({ name, folder, manifest }): Promise<Check> => {
      const required = name === defaultModel;
      try {
        await verifyModel(folder, manifest);
        return {
          name: `model ${name}`,
          status: "ok",
          detail: `${manifest.family}, files match the manifest`,
          required,
        };
      } catch (error) {
        const remedy = "reinstall the model";
        return { name: `model ${name}`, status: "failed", detail: describe(error), remedy, required };
      }
    }),
  );
  if (models.some(({ name }) => name === defaultModel)) return checks;
  const remedy = "the bundled model is missing: clone or install again";
  return [
    ...checks,
    { name: `model ${defaultModel}`, status: "missing", detail: "not found", remedy, required: true },
  ];
}

async function checkRos(): Promise<Check> {
  const distro = process.env.ROS_DISTRO;
  const setUp = await readable(join(packageRoot, ".cache", "ros", "env.json"));
  const sourced =
    distro !== undefined && (process.env.AMENT_PREFIX_PATH ?? "").split(delimiter).some(Boolean);
  const compiled = await hasAddon();
  if ((sourced || setUp) && compiled) {
    return {
      name: "ROS 2",
      status: "ok",
      detail: sourced ? `sourced: ${distro}` : "set up in this checkout",
      required: false,
    };
  }
  const detail = sourced || setUp ? "rclnodejs is not compiled" : "no ROS 2 in the environment";
  const remedy = "needed for the `node` command alone: source ROS 2 and run `npm run ros:setup`";
  return { name: "ROS 2", status: "missing", detail, remedy, required: false };
}

/** The files of options that are read in this folder, and whether every line of them is understood. */
async function checkConfig(configProblems: () => Promise<readonly string[]>): Promise<Check> {
  const name = "options";
  const wrong = (detail: string): Check => {
    const remedy = "`grasp-grounding COMMAND --help-all` lists each command's options";
    return { name, status: "failed", detail, remedy, required: false };
  };
  try {
    const paths = (await readConfig()).map(({ path }) => path);
    const problems = await configProblems();
    if (problems.length > 0) return wrong(problems.join("; "));
    const detail =
      paths.length > 0 ? `from ${paths.join(", then ")}` : `no ${configName} here or in the home`;
    return { name, status: "ok", detail, required: false };
  } catch (error) {
    return wrong(describe(error));
  }
}

/** Nothing to say where Fast DDS left nothing behind. */
function checkSharedMemory(): readonly Check[] {
  const { names, bytes } = staleSegments();
  if (names.length === 0) return [];
  const megabytes = (bytes / 1e6).toFixed(1);
  const [some, left] = names.length === 1 ? ["segment", "is left"] : ["segments", "are left"];
  return [
    {
      name: "shared memory",
      status: "failed",
      detail: `${names.length} ${some} of Fast DDS (${megabytes} MB) ${left} of processes that were killed`,
      remedy: `clear them with \`${clearSegmentsCommand()}\``,
      required: false,
    },
  ];
}

async function hasAddon(): Promise<boolean> {
  try {
    const root = join(createRequire(import.meta.url).resolve("rclnodejs/package.json"), "..");
    return (
      (await readable(join(root, "build", "Release", "rclnodejs.node"))) ||
      (await readable(join(root, "prebuilds")))
    );
  } catch {
    return false;
  }
}

const readable = (path: string): Promise<boolean> =>
  access(path, constants.R_OK).then(
    () => true,
    () => false,
  );

function toText(checks: readonly Check[]): string {
  const mark = { ok: "✔", missing: "–", failed: "✘" } as const;
  const rows = checks.map((check) => [`${mark[check.status]} ${check.name}`, check.detail]);
  const advice = checks.filter((check) => check.remedy).map((check) => `${check.name}: ${check.remedy}`);
  return [`grasp-grounding ${packageVersion()}`, table(["check", "result"], rows), ...advice].join("\n");
}
