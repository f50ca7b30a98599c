import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GraspNetwork } from "../../../src/grasping/learned/index.js";
import { temporaryFolder } from "../../support/bags.js";
import { cli } from "../../support/cli.js";
import { pythonPath, repository, runPython } from "../../support/python.js";

const folder = temporaryFolder();
afterAll(() => folder.remove());
const store = join(folder.path, "models");
const peer = "test/reference/grasp_network.py";
const run = (...args: string[]) =>
  cli(["models", "import-grasp", "--python", pythonPath(), ...args], {
    env: { GRASP_GROUNDING_MODELS: store },
  });

describe("models import-grasp", () => {
  beforeAll(() => {
    runPython(peer, ["weights", folder.path]);
  });

  it("brings in a network of PyTorch with its weights, and the ONNX that came of it", async () => {
    const weights = join(folder.path, "weights.pt");
    const module = `${join(repository, peer)}:Net`;
    const first = await run(
      "--module",
      module,
      "--weights",
      weights,
      "--name",
      "net",
      "--licence",
      "MIT",
      "--json",
    );
    expect(first.stderr.replace(/^ {2}.*\n/gm, "")).toBe("");
    const { check, manifest } = JSON.parse(first.stdout);
    expect(check).toMatch(/^differs from PyTorch by \d/);
    expect(manifest).toMatchObject({ family: "gr-convnet", licence: "MIT", width_pixels: 150 });
    expect(manifest.input.channels).toEqual(["depth", "red", "green", "blue"]);

    const again = await run(
      ...["--onnx", join(store, "net", "grasp.onnx"), "--outputs", "quality,cos,sin,width"],
      ...["--name", "copy", "--channels", "rgbd", "--depth-mean", "0.5", "--width-pixels", "90"],
    );
    expect(again.stdout).toMatch(/^copy: .*Use it: --grasp-model copy\n$/s);
    const network = await GraspNetwork.open(join(store, "copy"));
    expect(network.size).toBe(224);
    await network.close();
    const copy = JSON.parse(readFileSync(join(store, "copy", "grasp.json"), "utf8"));
    expect(copy.input).toMatchObject({ channels: ["red", "green", "blue", "depth"], depth: { mean: 0.5 } });
    expect(copy.width_pixels).toBe(90);

    const list = await cli(["models", "list", "--json"], { env: { GRASP_GROUNDING_MODELS: store } });
    const named = JSON.parse(list.stdout).grasp_networks;
    expect(named.map((each: { name: string }) => each.name)).toEqual(["copy", "net"]);
    expect(named[1]).toMatchObject({ licence: "MIT", folder: join(store, "net") });

    const taken = await run("--onnx", join(store, "net", "grasp.onnx"), "--name", "net");
    expect(taken.stderr).toMatch(/model net exists already/);
  });

  it("refuses in one line what is no such network, and leaves nothing behind", async () => {
    const before = readdirSync(store).sort();
    writeFileSync(
      join(folder.path, "two.py"),
      "from torch import nn\n\n\nclass Two(nn.Conv2d):\n    def __init__(self):\n        super().__init__(4, 2, 1)\n",
    );
    const cases: readonly (readonly [string[], RegExp])[] = [
      [
        ["--module", `${join(folder.path, "two.py")}:Two`, "--name", "two"],
        /import failed: wanted four maps/,
      ],
      [
        ["--module", `${join(folder.path, "none.py")}:Two`, "--name", "none"],
        /import failed: .*FILE\.py:CLASS/,
      ],
      [
        ["--onnx", join(store, "net", "grasp.onnx"), "--outputs", "a,b,c,d", "--name", "x"],
        /has the outputs quality/,
      ],
      [["--name", "nothing"], /name the network: --onnx, --torchscript or --module/],
      [["--onnx", "a.onnx", "--weights", "w.pt", "--name", "x"], /--weights goes with --module/],
      [["--onnx", "a.onnx", "--name", "../x"], /letters, digits/],
    ];
    for (const [args, wanted] of cases) {
      const result = await run(...args);
      expect(result.code, args.join(" ")).not.toBe(0);
      expect(result.stderr).toMatch(wanted);
      expect(result.stderr).not.toMatch(/\n\s+at |Traceback/);
    }
    expect(readdirSync(store).sort()).toEqual(before);
  });
});
