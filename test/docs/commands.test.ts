import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { buildProgram } from "../../src/cli/main.js";
import { cli } from "../support/cli.js";
import { type DocCommand, fencedCommands, inlineCommands, pages, words } from "../support/docs.js";
import { writeFrame } from "../support/frame-files.js";
import { repository } from "../support/python.js";

// Pages of models/ tell how the Python there is run; its own tests run that.
const readers = pages.filter((page) => !page.startsWith("models/") || page === "models/export/README.md");

/** Servers: started as written, ended by SIGINT when they have said that they run. */
const servers: Readonly<Record<string, RegExp>> = { console: /^console: http/m, worker: /^worker: /m };

/** Commands that are parsed and checked but not run, each with its reason. */
const notRun: readonly (readonly [RegExp, string])[] = [
  [/^grasp-grounding node\b/, "needs ROS 2; test/ros runs it"],
  [
    /^grasp-grounding models (pull|import)\b/,
    "needs the network or a checkpoint; test/unit runs it on a local server",
  ],
  [/^grasp-grounding bench\b/, "takes minutes; its results are in docs/results"],
  [/^grasp-grounding eval test\/fixtures/, "takes a minute; docs/results/eval-fixture.json comes from it"],
  [/(^|\s)[A-Z][A-Z_]*(\s|$)|…|<|\{/, "holds placeholders"],
  [/ mine\b/, "a model that the page has just imported"],
  [/\bmodels verify owlv2-base\b/, "a model that the page has just pulled"],
];

/** Programs of others that pages may call, checked no further than their name. */
const others =
  /^(cd|git|sudo|apt|apt-get|export|\.|source|mkdir|cp|rosdep|colcon|docker|curl|xdg-open|python3?|pip|openssl|ssh|scp|echo|sha256sum|sed)$/;

const argvOf = (text: string): readonly string[] | undefined => {
  const [first, second, ...rest] = words(text);
  if (first === "grasp-grounding") return second === undefined ? [] : [second, ...rest];
  if (first === "npx" && second === "grasp-grounding") return rest;
  return undefined;
};

/** The parts of a line that a shell runs one after the other, redirections and assignments cut off. */
const parts = (text: string): string[] =>
  text
    .split(/\s*(?:&&|\|\||;|(?<!\\)\|)\s*/)
    .map((part) =>
      part
        .replace(/\s+&$/, "")
        .replace(/\s+\d?>{1,2}\s*\S+/g, "")
        .replace(/^(?:[A-Z_]+=\S*\s+)+/, ""),
    )
    .filter((part) => part !== "" && !/^[A-Z_]+=/.test(part));

const commands: readonly DocCommand[] = readers.flatMap((page) =>
  fencedCommands(page).flatMap((command) => parts(command.text).map((text) => ({ ...command, text }))),
);
const calls = commands.filter(({ text }) => argvOf(text) !== undefined);
const normal = (text: string) => text.replace(/^npx /, "");

/** Parses a command line with the program's own parser, doing nothing. */
async function parseOnly(argv: readonly string[]): Promise<void> {
  const program = await buildProgram(argv);
  const silence = (command: Command): void => {
    command.exitOverride().configureOutput({ writeOut: () => {}, writeErr: () => {}, outputError: () => {} });
    if (command.commands.length === 0) command.action(() => {});
    command.commands.forEach(silence);
  };
  silence(program);
  await program.parseAsync([...argv], { from: "user" }).catch((error: { exitCode?: number }) => {
    if (error.exitCode !== 0) throw error;
  });
}

describe("calls of the program in the docs", () => {
  it("are there", () => {
    expect(calls.length).toBeGreaterThan(10);
  });

  it.each(calls)("$page:$line: $text has options that exist", async ({ text }) => {
    await expect(parseOnly(argvOf(text)!)).resolves.toBeUndefined();
  });

  it.each(readers.flatMap(inlineCommands))("$page:$line: $text has options that exist", async ({ text }) => {
    // `[--option]` and `…` are how running text says "and so on".
    const argv = argvOf(text.replace(/\[[^\]]*\]|\u2026|\.\.\./g, "").trim());
    const [name = ""] = argv ?? [];
    if (name === "" || name.startsWith("--")) return;
    const needsMore = (error: { code?: string }) =>
      error.code === "commander.missingArgument" || error.code === "commander.missingMandatoryOptionValue";
    const program = await buildProgram(argv ?? []);
    expect(program.commands.map((command) => command.name())).toContain(name);
    await parseOnly(argv ?? []).catch((error) => {
      if (!needsMore(error)) throw error;
    });
  });

  it("an option that does not exist is seen", async () => {
    await expect(parseOnly(["ground", "--image", "a", "--query", "b", "--no-such"])).rejects.toThrow(
      "unknown option",
    );
    await expect(parseOnly(["no-such-command"])).rejects.toThrow();
  });
});

describe("calls that can be run are run", () => {
  const folder = mkdtempSync(join(tmpdir(), "docs-"));
  beforeAll(async () => {
    for (const name of readdirSync(repository))
      if (!name.startsWith(".") && name !== "calibration")
        symlinkSync(join(repository, name), join(folder, name));
    if (existsSync(join(repository, "calibration")))
      symlinkSync(join(repository, "calibration"), join(folder, "calibration"));
    mkdirSync(join(folder, "state"));
    await writeFrame(join(repository, "demo", "demo.mcap"), folder);
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const env = { XDG_STATE_HOME: join(folder, "state"), XDG_DATA_HOME: join(folder, "state") };

  const runnable = [...new Map(calls.map((call) => [normal(call.text), call])).values()].filter(
    ({ text }) => !notRun.some(([pattern]) => pattern.test(normal(text))),
  );

  it("every exception has a command that needs it", () => {
    const all = [...calls, ...readers.flatMap(inlineCommands)].map(({ text }) => normal(text));
    const stale = notRun.filter(([pattern]) => !all.some((text) => pattern.test(text)));
    expect(stale.map(([pattern]) => pattern.source)).toEqual([]);
  });

  it.each(runnable)("$page:$line: $text", async ({ text }) => {
    const argv = argvOf(text)!;
    const ready = servers[argv[0] ?? ""];
    if (ready !== undefined && !argv.includes("--help")) {
      expect(await runServer([...argv, ...freePorts(argv)], ready)).toBe(0);
      return;
    }
    const { code, stderr } = await cli(argv, { cwd: folder, env });
    expect(stderr).not.toMatch(/^grasp-grounding: /m);
    expect(code).toBe(0);
  });

  /** As written but on ports that are free. */
  function freePorts(argv: readonly string[]): string[] {
    if (argv[0] !== "console") return [];
    return ["--port", "0", ...(argv.includes("--metrics") ? ["--metrics", "0"] : [])];
  }

  function runServer(argv: readonly string[], ready: RegExp): Promise<number | null> {
    const child = spawn(process.execPath, [join(repository, "bin", "grasp-grounding.mjs"), ...argv], {
      cwd: folder,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let output = "";
    let asked = false;
    child.stdout.on("data", (chunk) => {
      output += chunk;
      // Once: a second signal ends the program at once.
      if (!asked && ready.test(output)) asked = child.kill("SIGINT");
    });
    return new Promise((resolve) => child.once("exit", resolve));
  }
});

describe("other commands in the docs", () => {
  const { scripts } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  const rest = commands.filter(({ text }) => argvOf(text) === undefined);

  it.each(rest)("$page:$line: $text names what exists", async ({ text }) => {
    const [program = "", ...argv] = words(text);
    const files = argv.filter((word) =>
      /^(?:\.\/)?(?:scripts|test|models|demo|docs|launch|interfaces|calibration)\//.test(word),
    );
    for (const file of files)
      if (!/[*…]/.test(file)) expect(existsSync(join(repository, file)), file).toBe(true);
    if (program === "npm") {
      const name = argv[0] === "run" ? argv[1] : argv[0];
      if (["ci", "install", "pack", "rebuild", "sbom", "audit", "publish", "version"].includes(name ?? ""))
        return;
      expect(Object.keys(scripts)).toContain(name);
      const own = argv.slice(argv.indexOf("--") + 1);
      if (name === "start" && argv.includes("--")) await parseOnly(["demo", ...own]);
    } else if (program === "npx") {
      expect(existsSync(join(repository, "node_modules", ".bin", argv[0] ?? "")), argv[0]).toBe(true);
    } else if (program === "node") {
      expect(existsSync(join(repository, argv[0] ?? "")), argv[0]).toBe(true);
    } else if (program === "ros2") {
      checkRos(argv);
    } else {
      expect(program).toMatch(others);
    }
  });

  /** Launch files, their arguments, and names of the node's interfaces, as the repository has them. */
  function checkRos(argv: readonly string[]): void {
    const [verb, ...rest] = argv;
    const api = readFileSync(join(repository, "docs", "ros-api.md"), "utf8");
    if (verb === "launch" && rest[0] === "grasp_grounding") {
      const file = join(repository, "launch", rest[1] ?? "");
      expect(existsSync(file), rest[1]).toBe(true);
      const source =
        readFileSync(file, "utf8") + readFileSync(join(repository, "launch", "bridge.launch.py"), "utf8");
      const parameters = JSON.parse(readFileSync(join(repository, "launch", "parameters.json"), "utf8"));
      for (const argument of rest.slice(2)) {
        const name = argument.split(":=")[0] ?? "";
        expect(source.includes(`"${name}"`) || name in parameters, name).toBe(true);
      }
    }
    for (const word of rest) {
      const name = /^\/grasp_grounding\/(\w+)/.exec(word)?.[1];
      if (name !== undefined) expect(api, word).toContain(`~/${name}`);
      const type = /^grasp_grounding_interfaces\/(msg|srv|action)\/(\w+)$/.exec(word);
      if (type !== null)
        expect(existsSync(join(repository, "interfaces", type[1]!, `${type[2]}.${type[1]}`)), word).toBe(
          true,
        );
    }
    if (verb === "param") {
      const parameters = JSON.parse(readFileSync(join(repository, "launch", "parameters.json"), "utf8"));
      if (rest[1] === "/grasp_grounding" && rest[2] !== undefined)
        expect(Object.keys(parameters)).toContain(rest[2]);
    }
  }
});
