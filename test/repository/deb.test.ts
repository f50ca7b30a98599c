import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { repository } from "../support/python.js";

const folder = mkdtempSync(join(tmpdir(), "deb-test-"));
/** Only root may install; everybody else unpacks the package, which leaves out what dpkg does. */
const root = process.getuid?.() === 0;
const system = root ? "/" : join(folder, "system");
const program = join(system, "usr", "bin", "grasp-grounding");
const options = join(system, "etc", "grasp-grounding", "grasp-grounding.yaml");
const nobody = 65534;
const version = (JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as { version: string })
  .version;

let file: string;
const ran = (command: string, ...args: string[]) =>
  execFileSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 26 });

beforeAll(() => {
  const build = ["scripts/deb/build.mjs", folder, "--stored"];
  execFileSync(process.execPath, build, { cwd: repository, stdio: "inherit" });
  file = join(folder, readdirSync(folder).find((name) => name.endsWith(".deb"))!);
}, 900_000);
afterAll(() => {
  if (root) spawnSync("dpkg", ["--purge", "grasp-grounding"]);
  rmSync(folder, { recursive: true, force: true });
});

describe("the Debian package", () => {
  it("says what it is, with the version of package.json", () => {
    const field = (name: string) => ran("dpkg-deb", "--field", file, name).trim();
    expect([field("Package"), field("Version")]).toEqual(["grasp-grounding", version]);
    expect(field("Architecture")).toBe(ran("dpkg", "--print-architecture").trim());
    expect(field("Depends")).toMatch(/^nodejs \(>= 20\.20\), /);
    expect(field("Maintainer")).toMatch(/^[\w -]+ <\S+@\S+>$/);
    expect(field("Description").split("\n")[0]!.length).toBeLessThan(80);
    expect(Number(field("Installed-Size"))).toBeGreaterThan(10_000);
  });

  it("holds files of root that nobody else may change, in the places for them, each with its sum", () => {
    const lines = ran("dpkg-deb", "--contents", file).trim().split("\n");
    expect(
      lines.filter((line) => !/^[d-]rw[x-]r-[x-]r-[x-] root\/root|^lrwxrwxrwx root\/root/.test(line)),
    ).toEqual([]);
    const places =
      /\.\/((usr|etc|usr\/(bin|lib|share|lib\/systemd|lib\/systemd\/system|share\/doc))\/)?$|\.\/(usr\/(lib|share\/doc)|etc)\/grasp-grounding\/|\.\/usr\/lib\/systemd\/system\/grasp-grounding-\w+\.service$|\.\/usr\/bin\/grasp-grounding -> /;
    expect(lines.filter((line) => !places.test(line))).toEqual([]);
    const control = join(folder, "control");
    ran("dpkg-deb", "--control", file, control);
    const summed = readFileSync(join(control, "md5sums"), "utf8").trim().split("\n");
    expect(summed.length).toBe(lines.filter((line) => line.startsWith("-")).length);
    expect(readFileSync(join(control, "conffiles"), "utf8").trim().split("\n")).toEqual([
      "/etc/grasp-grounding/grasp-grounding.yaml",
      "/etc/grasp-grounding/node.env",
      "/etc/grasp-grounding/node.yaml",
    ]);
    for (const name of ["postinst", "prerm", "postrm"])
      expect(spawnSync("sh", ["-n", join(control, name)]).status, name).toBe(0);
  });
});

describe("installed from the Debian package", () => {
  const home = join(folder, "home");
  /** As somebody without rights on the installation. */
  const as = {
    cwd: home,
    env: { HOME: home, PATH: process.env.PATH },
    encoding: "utf8" as const,
    ...(root && { uid: nobody, gid: nobody }),
  };

  beforeAll(() => {
    mkdirSync(home);
    if (root) {
      chownSync(home, nobody, nobody);
      execFileSync("chmod", ["755", folder]);
      ran("dpkg", "--install", file);
    } else ran("dpkg-deb", "--extract", file, system);
  }, 300_000);

  it("runs from PATH for a user without rights", () => {
    expect(spawnSync(program, ["--version"], as).stdout.trim()).toBe(version);
    const demo = spawnSync(program, ["demo", "--once"], as);
    expect({ status: demo.status, stderr: demo.stderr }).toMatchObject({ status: 0 });
    expect(existsSync(join(home, "out", "demo", "overlay.png"))).toBe(true);
  }, 300_000);

  it("has units that systemd understands", () => {
    const units = ["node", "worker"].map((name) =>
      join(system, "usr", "lib", "systemd", "system", `grasp-grounding-${name}.service`),
    );
    for (const unit of units) expect(readFileSync(unit, "utf8")).toMatch(/^ExecStart=\/(usr\/)?bin\//m);
    if (spawnSync("systemd-analyze", ["--version"]).status !== 0 || !root) return;
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", ...units], { encoding: "utf8" });
    expect(stderr.split("\n").filter((line) => line.includes("grasp-grounding"))).toEqual([]);
    expect(status).toBe(0);
  });

  it("starts a worker by the options in /etc, and ends it as systemd does", async () => {
    const text = readFileSync(options, "utf8");
    expect(text).toContain("tcp://127.0.0.1:5601");
    // Any free port: the one in the file may be in use here.
    writeFileSync(join(home, "grasp-grounding.yaml"), text.replace("127.0.0.1:5601", "127.0.0.1:*"));
    const worker = spawn(program, ["worker"], { ...as, stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(worker, "exit");
    let said = "";
    worker.stdout.on("data", (chunk) => {
      const before = said;
      said += chunk;
      if (/^worker: ready/m.test(said) && !/^worker: ready/m.test(before)) worker.kill("SIGTERM");
    });
    expect((await ended)[0]).toBe(0);
    expect(said).toMatch(/^worker: lite on tcp:\/\/127\.0\.0\.1:\d+/m);
  }, 300_000);

  it.runIf(root)(
    "keeps changed options when it is removed, and nothing when it is purged",
    () => {
      appendFileSync(options, "# mine\n");
      ran("dpkg", "--remove", "grasp-grounding");
      expect(existsSync("/usr/lib/grasp-grounding")).toBe(false);
      expect(existsSync(program)).toBe(false);
      expect(readFileSync(options, "utf8")).toContain("# mine");
      ran("dpkg", "--purge", "grasp-grounding");
      expect(existsSync(options)).toBe(false);
      expect(spawnSync("dpkg", ["--status", "grasp-grounding"]).status).not.toBe(0);
    },
    300_000,
  );
});
