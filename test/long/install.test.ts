import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { domain, Peer } from "../ros/support/peer.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "grasp-grounding-install-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const cmake = (...args: readonly string[]) =>
  execFileSync("cmake", args, { encoding: "utf8", stdio: "pipe", maxBuffer: 1 << 26 });

/** ament itself comes with a ROS distribution; its one call writes the package's index, which nothing here reads. */
function ament(): string {
  const stub = join(folder, "ament");
  mkdirSync(stub, { recursive: true });
  writeFileSync(join(stub, "ament_cmake_coreConfig.cmake"), "function(ament_package)\nendfunction()\n");
  return `-Dament_cmake_core_DIR=${stub}`;
}

/** Builds and installs as colcon does, from a folder that holds neither node_modules nor dist when there is a bundle. */
function install(source: string, prefix: string, ...options: readonly string[]): void {
  const build = join(folder, `build-${readdirSync(folder).length}`);
  cmake("-S", source, "-B", build, ament(), `-DCMAKE_INSTALL_PREFIX=${prefix}`, ...options);
  cmake("--build", build);
  cmake("--install", build);
  rmSync(build, { recursive: true, force: true });
}

/** Starts the installed executable, asks it for its state, and stops it. */
async function answers(prefix: string): Promise<string> {
  const peer = new Peer();
  const node = spawn(
    join(prefix, "lib", "grasp_grounding", "bridge"),
    ["--ros-args", "-p", "autostart:=false"],
    { cwd: "/", env: { ...process.env, ROS_DOMAIN_ID: String(domain) }, stdio: "ignore" },
  );
  try {
    await peer.do("wait_for_node", { timeout: 60 });
    return await peer.do("state");
  } finally {
    node.kill("SIGINT");
    expect((await once(node, "exit"))[0]).toBe(0);
    await peer.close();
  }
}

describe("the installed ROS package", () => {
  const first = join(folder, "install");
  const moved = join(folder, "somewhere", "else");
  beforeAll(() => install(root, first, "-DGRASP_GROUNDING_NPM=OFF"), 400_000);

  it("runs from another place than it was installed to, and names no path of the machine it was built on", async () => {
    mkdirSync(join(folder, "somewhere"));
    renameSync(first, moved);
    const script = readFileSync(join(moved, "lib", "grasp_grounding", "bridge"), "utf8");
    expect(script).not.toContain(root);
    expect(existsSync(join(moved, "share", "grasp_grounding", "launch", "bridge.launch.py"))).toBe(true);
    expect(await answers(moved)).toBe("unconfigured");
  });

  it("holds no development package", () => {
    const packages = join(moved, "lib", "grasp_grounding", "program", "node_modules");
    for (const name of ["vitest", "typescript", "three"])
      expect(existsSync(join(packages, name))).toBe(false);
    expect(existsSync(join(packages, "onnxruntime-node"))).toBe(true);
  });

  it("is built from a bundle without npm, Node.js's packages and a network", async () => {
    const archive = join(folder, "program.tar");
    const program = join(moved, "lib", "grasp_grounding", "program");
    execFileSync("tar", ["-cf", archive, "-C", program, "."]);
    const source = join(folder, "source");
    for (const name of ["CMakeLists.txt", "launch", "package.xml"])
      cpSync(join(root, name), join(source, name), { recursive: true });
    const prefix = join(folder, "from-bundle");
    install(source, prefix, `-DGRASP_GROUNDING_BUNDLE=${archive}`);
    expect(await answers(prefix)).toBe("unconfigured");
  }, 400_000);
});

describe("package.xml", () => {
  it("names every ROS package that the program uses, but those that it can do without", () => {
    const optional = ["moveit_msgs", "foxglove_msgs"];
    const files = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" });
    const used = files
      .filter((name) => name.endsWith(".ts"))
      .flatMap((name) => [
        ...readFileSync(join(root, "src", name), "utf8").matchAll(/"([a-z]\w+)\/(?:msg|srv|action)\/\w+"/g),
      ])
      .map((match) => match[1]!);
    const text = readFileSync(join(root, "package.xml"), "utf8");
    const named = [...text.matchAll(/<(?:exec_|build_)?depend>(\w+)</g)].map((match) => match[1]!);
    expect(named).toEqual(
      expect.arrayContaining([...new Set(used)].filter((name) => !optional.includes(name))),
    );
    expect(named).toEqual(expect.arrayContaining(["nodejs", "npm", "launch_ros"]));
  });
});
