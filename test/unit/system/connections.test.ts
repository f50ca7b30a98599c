import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, describe, expect, it } from "vitest";
import { repository } from "../../support/python.js";
import { sourceFiles } from "../../support/sources.js";

const limit = 120;
let child: ChildProcess | undefined;
afterEach(() => child?.kill("SIGKILL"));

/** Opens connections at once, and waits until each is served or refused. */
async function flood(port: number, count: number) {
  const sockets: Socket[] = [];
  const ends = await Promise.all(
    Array.from({ length: count }, () => {
      const socket = connect(port, "127.0.0.1").on("error", () => {});
      sockets.push(socket);
      return new Promise<boolean>((resolve) => {
        socket.once("data", () => resolve(true)).once("close", () => resolve(false));
      });
    }),
  );
  const close = () => {
    for (const socket of sockets) socket.destroy();
  };
  return { served: ends.filter(Boolean).length, close };
}

describe("a server whose process has few descriptors", () => {
  it("refuses connections before the last one is taken, counts them, and serves again", async () => {
    const script = join(repository, "test", "support", "few-connections.mjs");
    const command = `ulimit -n ${limit}; exec "$@"`;
    child = spawn("bash", ["-c", command, "bash", process.execPath, script], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value);
    const { port, most } = (await next()) as { port: number; most: number };
    expect(most).toBeGreaterThanOrEqual(4);
    expect(most).toBeLessThan(limit - 64);
    const many = await flood(port, 300);
    expect(many.served).toBe(most);
    child.stdin!.write("count\n");
    expect(await next()).toEqual({ refused: 300 - most });
    many.close();
    await expect.poll(async () => (await flood(port, 1)).served, { timeout: 30_000 }).toBe(1);
  });

  it("is every one of the program", () => {
    const text = (path: string) => readFileSync(join(repository, path), "utf8");
    const listening = sourceFiles("src").filter((path) => /\.listen\(\{/.test(text(path)));
    expect(listening).toContain("src/console/server/server.ts");
    for (const path of listening) expect(text(path), path).toContain("boundConnections(");
  });
});
