import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { modelFiles, readManifest } from "../../../src/grounding/index.js";
import { sessionOptions } from "../../../src/inference/in-process/session-options.js";
import {
  describePlacement,
  InProcessBackend,
  parseProviders,
  placementOf,
  placementProblem,
  providerGap,
} from "../../../src/inference/index.js";
import { repository } from "../../support/python.js";

const lite = join(repository, "models", "lite");
const open = async (options: Parameters<typeof InProcessBackend.create>[1]) =>
  InProcessBackend.create(modelFiles(lite, await readManifest(lite)), options);

/** Trace events as ONNX Runtime writes them. */
const profile = (...kernels: readonly [provider: string, op: string, bytes: number][]): string =>
  JSON.stringify([
    { cat: "Session", name: "model_loading_uri", args: {} },
    ...kernels.map(([provider, op_name, bytes], i) => ({
      cat: "Node",
      name: `${op_name}_${i}_kernel_time`,
      args: { provider, op_name, output_size: String(bytes) },
    })),
  ]);

describe("execution providers", () => {
  it("reads an order, and refuses what it does not know", () => {
    expect(parseProviders("tensorrt, cuda")).toEqual(["tensorrt", "cuda"]);
    for (const text of ["", "gpu", "cuda,cuda", "cuda,"]) expect(parseProviders(text)).toBeUndefined();
  });

  it("tells a model that runs on the GPU from one that was only said to", () => {
    const cuda = "CUDAExecutionProvider";
    const cpu = "CPUExecutionProvider";
    const good = placementOf(profile([cuda, "Conv", 1e6], [cuda, "MatMul", 1e6], [cpu, "Gather", 16]));
    expect(good).toEqual({ operators: { cuda: 2, cpu: 1 }, leftToCpu: [] });
    expect(placementProblem("cuda", good)).toBeUndefined();
    expect(describePlacement("cuda", good)).toBe("cuda");

    const half = placementOf(profile([cuda, "Conv", 1e6], [cpu, "DynamicQuantizeMatMul", 1e6]));
    expect(placementProblem("cuda", half)).toContain("DynamicQuantizeMatMul");
    expect(describePlacement("cuda", half)).toBe("cuda+cpu (1 of 2 operators on the CPU)");

    expect(placementProblem("cuda", placementOf(profile([cpu, "Conv", 1e6])))).toBe(
      "no operator ran on cuda",
    );
  });

  it("hand on what onnxruntime-node has no field for as session entries", () => {
    const { extra, executionProviders } = sessionOptions({
      providers: ["tensorrt", "cuda"],
      threads: 1,
      device: 1,
      memoryLimit: 2 ** 30,
      fp16: true,
      engineCache: "/cache",
    });
    expect(executionProviders).toEqual([
      { name: "tensorrt", deviceId: 1 },
      { name: "cuda", deviceId: 1 },
    ]);
    expect(extra).toMatchObject({
      "ep.cuda.gpu_mem_limit": "1073741824",
      "ep.tensorrtexecutionprovider.trt_fp16_enable": "1",
      "ep.tensorrtexecutionprovider.trt_engine_cache_path": "/cache",
    });
  });

  it("warms up before it counts as loaded", async () => {
    const backend = await open({ threads: 1, warmUp: true });
    expect(backend.description).toBe("in-process/cpu");
    await backend.close();
  });
});

// A machine with a GPU would run what these expect to fail.
describe.skipIf(existsSync("/dev/nvidiactl"))("a machine without a GPU", () => {
  it("falls back only to what was named, says so, and shows it in every result", async () => {
    const notices: string[] = [];
    const onNotice = (line: string) => notices.push(line);
    const backend = await open({ providers: ["tensorrt", "cuda", "cpu"], threads: 1, onNotice });
    expect(backend.description).toBe("in-process/cpu (not tensorrt, cuda)");
    expect(notices).toHaveLength(2);
    expect(notices[0]).toMatch(/tensorrt is not available.*trying cuda, then cpu/);
    await backend.close();
    await expect(open({ providers: ["cuda"] })).rejects.toMatchObject({ code: "PROVIDER_UNAVAILABLE" });
  });

  it("fails when the required provider is not there, whatever else is named", async () => {
    const wanted = { code: "PROVIDER_UNAVAILABLE" };
    await expect(open({ providers: ["cuda", "cpu"], requireProvider: "cuda" })).rejects.toMatchObject(wanted);
    await expect(open({ requireProvider: "cuda" })).rejects.toMatchObject(wanted);
    await expect(open({ providers: ["cpu"], requireProvider: "cuda" })).rejects.toThrow(/leaves it out/);
  });

  it("says what is missing and how to add it", async () => {
    const gap = await providerGap("cuda");
    expect(gap?.detail).toBeTruthy();
    expect(gap?.remedy).toBeTruthy();
    await expect(open({ providers: ["cuda"] })).rejects.toThrow(gap?.detail);
    expect(await providerGap("cpu")).toBeUndefined();
  });
});
