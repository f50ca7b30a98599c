// Reads the instructions of a Dockerfile: those that docker/Dockerfile uses, and an error for any other.

/**
 * @typedef {{ kind: string, line: string, path?: string, script?: string, env?: Record<string, string>, from?: string, paths?: string[] }} Instruction
 *   `script` and `env`: of RUN; `from` and `paths` (sources, then the target): of COPY; `path`: of WORKDIR
 * @typedef {{ image: string, name?: string, at: string, shell: string[], env: Record<string, string>, arguments: Record<string, string>,
 *   instructions: Instruction[], entrypoint?: string[], command?: string[], user?: string }} Stage
 */

/**
 * @param {string} text the Dockerfile
 * @param {Record<string, string>} buildArguments values of ARG, as `--build-arg` gives them
 * @returns {{ stages: Stage[] }} in order
 */
export function dockerfile(text, buildArguments = {}) {
  const lines = text
    .replace(/^\s*#.*\n/gm, "")
    .replace(/\s*\\\n\s*/g, " ")
    .split("\n")
    .filter((line) => line.trim() !== "");
  const global = {};
  const stages = [];
  let stage;
  const expand = (value, from) => value.replace(/\$\{?(\w+)\}?/g, (_all, name) => from[name] ?? "");
  for (const line of lines) {
    const [, kind = "", rest = ""] = /^(\w+)\s+(.*)$/.exec(line.trim()) ?? [];
    const known = { ...global, ...stage?.arguments, ...stage?.env };
    if (kind === "FROM") {
      const [image = "", , name] = rest.split(/\s+/);
      stage = { image: expand(image, global), at: "/", shell: ["/bin/sh", "-c"], env: {}, arguments: {} };
      Object.assign(stage, { name, instructions: [] });
      // An image of ROS 2 names its distribution in its environment.
      if (image.startsWith("ros:")) stage.env = { ROS_DISTRO: global.ROS_DISTRO };
      stages.push(stage);
      continue;
    }
    if (kind === "ARG") {
      const [name = "", value = ""] = rest.split("=");
      (stage?.arguments ?? global)[name] = buildArguments[name] ?? value;
      if (stage !== undefined) stage.instructions.push({ kind, line });
      continue;
    }
    const instruction = { kind, line };
    if (kind === "ENV")
      for (const [, name, value] of rest.matchAll(/(\w+)=(\S+)/g)) stage.env[name] = expand(value, known);
    else if (kind === "SHELL") stage.shell = JSON.parse(rest);
    else if (kind === "WORKDIR") instruction.path = expand(rest, known);
    else if (kind === "RUN") Object.assign(instruction, { script: rest, env: { ...known } });
    else if (kind === "COPY") {
      const from = /^--from=(\S+)\s+/.exec(rest);
      const paths = rest.slice(from?.[0].length ?? 0).split(/\s+/);
      Object.assign(instruction, { paths, ...(from && { from: from[1] }) });
    } else if (kind === "ENTRYPOINT") stage.entrypoint = JSON.parse(rest);
    else if (kind === "CMD") stage.command = JSON.parse(rest);
    else if (kind === "USER") stage.user = rest;
    else throw new Error(`the instruction ${kind} is not known`);
    stage.instructions.push(instruction);
  }
  return { stages };
}
