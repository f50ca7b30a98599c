import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { preload } from "../../../src/inference/in-process/gpu-preload.js";
import { runtimeVersion } from "../../../src/inference/index.js";
import { gpuRuntimeVersion, type Wheel } from "../../../src/model-store/gpu/wheels.js";
import { gpuWheels, setUpGpu } from "../../../src/model-store/index.js";
import { cli } from "../../support/cli.js";
import { repository, runPython } from "../../support/python.js";

const root = mkdtempSync(join(tmpdir(), "gpu-setup-"));
const served = join(root, "index");
const runtime = "onnxruntime_gpu-1.0-cp312-cp312-manylinux_2_28_x86_64.whl";
const cuda = "nvidia_cuda_runtime-13.1-py3-none-manylinux1_x86_64.manylinux_2_5_x86_64.whl";
let wheels: readonly Wheel[];
let server: Server;
let address = "";
let requests: string[] = [];
let meddle: (path: string, response: ServerResponse, content: Buffer) => boolean = () => false;
const json = "application/vnd.pypi.simple.v1+json";
let asJson = false;
let count = 0;
let folder = "";
let runtimeFolder = "";

function answer(request: IncomingMessage, response: ServerResponse): void {
  const path = decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname);
  const wantsJson = asJson && request.headers.accept?.startsWith(json);
  const file = join(served, path.endsWith("/") ? `${path}index.${wantsJson ? "json" : "html"}` : path);
  requests.push(`${path} ${request.headers.range ?? "all"}`);
  if (!existsSync(file)) return void response.writeHead(404).end();
  const content = readFileSync(file);
  if (meddle(path, response, content)) return;
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  const type = file.endsWith(".html")
    ? "text/html"
    : file.endsWith(".json")
      ? json
      : "application/octet-stream";
  const range = { "content-range": `bytes ${from}-${content.length - 1}/${content.length}` };
  response.writeHead(from > 0 ? 206 : 200, { "content-type": type, ...(from > 0 && range) });
  response.end(content.subarray(from));
}

beforeAll(async () => {
  const provider = "onnxruntime/capi/libonnxruntime_providers";
  wheels = JSON.parse(
    runPython("test/reference/make_wheels.py", [
      served,
      `${runtime}=${provider}_shared.so,${provider}_cuda.so,${provider}_tensorrt.so,onnxruntime/capi/binding.so`,
      `${cuda}=nvidia/cu13/lib/libcudart.so.13`,
    ]),
  ) as Wheel[];
  server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
beforeEach(() => {
  requests = [];
  meddle = () => false;
  folder = join(root, `cache-${count}`);
  runtimeFolder = join(root, `runtime-${count++}`);
  mkdirSync(runtimeFolder);
});
afterEach(() => server.closeAllConnections());
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true, force: true });
});

const setUp = (more: Partial<Parameters<typeof setUpGpu>[0]> = {}) =>
  setUpGpu({ folder, runtimeFolder, wheels, index: `${address}/simple`, ...more });
const files = () => requests.filter((each) => each.startsWith("/files/"));

describe("the GPU libraries", () => {
  it("are fetched from an index, unpacked flat, and linked to where ONNX Runtime looks", async () => {
    const first = await setUp();
    const names = [
      "libcudart.so.13",
      "libonnxruntime_providers_cuda.so",
      "libonnxruntime_providers_shared.so",
    ];
    expect([...first.libraries].sort()).toEqual(names);
    expect(first.fetched).toBe(wheels.reduce((sum, { bytes }) => sum + bytes, 0));
    expect(readdirSync(join(folder, "lib")).sort()).toEqual(names);
    for (const name of names.slice(1))
      expect(readlinkSync(join(runtimeFolder, name))).toBe(join(folder, "lib", name));
    expect(readdirSync(folder).sort()).toEqual(["lib", "libraries.json"]);
    // Complete: nothing is asked again.
    requests = [];
    expect((await setUp()).fetched).toBe(0);
    expect(requests).toEqual([]);
    // A library that changed is fetched anew; indexes answer in JSON, too.
    asJson = true;
    writeFileSync(join(folder, "lib", "libcudart.so.13"), "damaged");
    expect((await setUp()).fetched).toBe(first.fetched);
    expect(readFileSync(join(folder, "lib", "libcudart.so.13")).length).toBe(300_000);
  });

  it("are resumed where the connection broke, in the same call and in the next", async () => {
    let cuts = 0;
    const stop = new AbortController();
    meddle = (path, response, content) => {
      if (!path.endsWith(runtime) || ++cuts > 2) return false;
      if (cuts === 2) stop.abort();
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 400_000), () => response.destroy());
      return true;
    };
    await expect(setUp({ signal: stop.signal })).rejects.toThrow();
    expect(existsSync(join(folder, "libraries.json"))).toBe(false);
    requests = [];
    expect((await setUp()).libraries).toHaveLength(3);
    expect(files()[0]).toMatch(/bytes=[1-9]\d+-$/);
  });

  it("come from a folder without an index, and are refused when they are not the published ones", async () => {
    const from = join(root, "by-hand");
    mkdirSync(from);
    for (const { file } of wheels) writeFileSync(join(from, file), readFileSync(join(served, "files", file)));
    expect((await setUp({ from })).libraries).toHaveLength(3);
    expect(requests).toEqual([]);
    rmSync(folder, { recursive: true });
    writeFileSync(join(from, cuda), "not the wheel");
    await expect(setUp({ from })).rejects.toMatchObject({ code: "DOWNLOAD_CORRUPT" });
    rmSync(join(from, cuda));
    await expect(setUp({ from })).rejects.toMatchObject({ code: "FILE_MISSING" });
    expect(existsSync(join(folder, "libraries.json"))).toBe(false);
  });

  it("are refused when the index has others, has none, or there is none", async () => {
    const other = wheels.map((wheel) => ({ ...wheel, sha256: "0".repeat(64) }));
    await expect(setUp({ wheels: other })).rejects.toMatchObject({ code: "DOWNLOAD_CORRUPT" });
    const newer = wheels.map((wheel) => ({ ...wheel, file: `newer-${wheel.file}` }));
    await expect(setUp({ wheels: newer })).rejects.toMatchObject({ code: "GPU_SETUP" });
    await expect(setUp({ index: "http://127.0.0.1:9/simple" })).rejects.toMatchObject({ code: "GPU_SETUP" });
    await expect(setUp({ index: `${address}/nowhere` })).rejects.toThrow(/the index answers 404/);
  });

  it("come from the index of pip's own settings", async () => {
    vi.stubEnv("PIP_INDEX_URL", `${address}/simple`);
    try {
      expect((await setUpGpu({ folder, runtimeFolder, wheels })).libraries).toHaveLength(3);
      expect(files()).toHaveLength(wheels.length);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("are those of onnxruntime-node's version, which the worker in Python has too", async () => {
    expect(gpuRuntimeVersion).toBe(await runtimeVersion());
    for (const { sha256, file, version } of gpuWheels) {
      expect(sha256).toMatch(/^[0-9a-f]{64}$/);
      expect(file).toContain(`-${version}-`);
    }
    for (const kind of ["cpu", "cuda"]) {
      const list = readFileSync(join(repository, "models", "worker", `requirements-${kind}.txt`), "utf8");
      expect(list).toMatch(new RegExp(`^onnxruntime(-gpu\\[cuda,cudnn\\])?==${gpuRuntimeVersion}$`, "m"));
    }
  });
});

describe("libraries that are no addon", () => {
  it("stay loaded for the provider that needs them", () => {
    const numpy = execFileSync(join(repository, ".cache", "venv-worker", "bin", "python"), [
      "-c",
      "import numpy, pathlib; print(pathlib.Path(numpy.__file__).parent.parent / 'numpy.libs')",
    ]);
    const libraries = String(numpy).trim();
    const loaded = () => readFileSync("/proc/self/maps", "utf8").includes(libraries);
    expect(loaded()).toBe(false);
    const tried = preload(libraries, /^lib(gfortran|quadmath|scipy_openblas)/);
    expect(tried.length).toBeGreaterThan(0);
    expect(loaded()).toBe(true);
    expect(preload(join(libraries, "nowhere"), /./)).toEqual([]);
  });
});

describe("gpu setup", () => {
  it("lists the wheels, and says at once that there is no GPU", async () => {
    const listed = await cli(["gpu", "setup", "--list"]);
    expect(listed.stdout.trim().split("\n")).toHaveLength(gpuWheels.length);
    expect(listed.stdout).toContain(gpuWheels[0]?.sha256);
    if (existsSync("/dev/nvidiactl")) return;
    const { code, stderr } = await cli(["gpu", "setup"]);
    expect([code, stderr]).toEqual([1, expect.stringMatching(/no GPU for CUDA \(no NVIDIA GPU or driver/)]);
  });
});
