import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WorkerProcess } from "../../bench/worker-process.js";
import { diagnosed, NodeProcess, Peer } from "./support/peer.js";

const command = fileURLToPath(new URL("../../bin/grasp-grounding.mjs", import.meta.url));

it("fails to configure, and lives, when no worker answers within load_timeout", async () => {
  const peer = new Peer();
  const parameters = [
    "backend:=zmq",
    "endpoints:=tcp://127.0.0.1:9",
    "load_timeout:=20.0",
    "autostart:=false",
  ];
  const node = await NodeProcess.start(
    parameters.flatMap((each) => ["-p", each]),
    {},
    { script: [command, "node"], ready: false },
  );
  try {
    await peer.do("wait_for_node", { timeout: 60 });
    expect(await peer.do("change", { transition: 1, wait: 60 })).toBe(false);
    expect(await peer.do("state")).toBe("unconfigured");
    expect(node.output).toContain("tcp://127.0.0.1:9");
  } finally {
    await peer.close();
    expect(await node.stop()).toMatchObject({ code: 0, signal: null });
  }
});

describe("the node with its model in a worker", () => {
  const folder = mkdtempSync(join(tmpdir(), "ros-worker-"));
  const endpoint = `ipc://${join(folder, "worker")}`;
  let worker: WorkerProcess;
  let peer: Peer;
  let node: NodeProcess;

  beforeAll(async () => {
    worker = await WorkerProcess.start(endpoint, []);
    peer = new Peer();
    const parameters = ["backend:=zmq", `endpoints:=${endpoint}`, "request_timeout:=20.0", "metrics_port:=0"];
    node = await NodeProcess.start(
      parameters.flatMap((each) => ["-p", each]),
      {},
      { script: [command, "node"], ready: false },
    );
    await node.says(/configured with model/, 120);
    await peer.do("wait_for_node");
    await peer.do("listen", { topics: ["diagnostics"] });
    await peer.do("camera", { rate: 5, width: 640, height: 480 });
  });
  afterAll(async () => {
    await node?.stop();
    await peer?.close();
    await worker?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it("answers, and says in its diagnostics where the model runs", async () => {
    const answer = await peer.do("ground", { query: "the red box", timeout: 60, wait: 70 });
    expect(answer).toMatchObject({ success: true });
    // Messages from before the answer may still wait to be read.
    let status = diagnosed(await peer.wait("diagnostics", { has: "1 of 1 ready" }), "inference");
    for (let i = 0; i < 20 && Number(status.answered) === 0; i++)
      status = diagnosed(await peer.wait("diagnostics", { has: "1 of 1 ready" }), "inference");
    expect(status).toMatchObject({ level: 0, backend: "zmq/in-process/cpu", workers: "1 of 1 ready" });
    expect(Number(status.answered)).toBeGreaterThan(0);
  });

  it("names the worker it misses when that is killed, and goes on with the one that takes its place", async () => {
    worker.signal("SIGKILL");
    const status = diagnosed(await peer.wait("diagnostics", { has: "0 of 1 ready" }), "inference");
    expect(status.level).toBe(2);
    expect(status.worker_0).toContain(endpoint);
    worker = await WorkerProcess.start(endpoint, []);
    await peer.wait("diagnostics", { has: "1 of 1 ready" });
    const answer = await peer.do("ground", { query: "the red box", timeout: 60, wait: 70 });
    expect(answer).toMatchObject({ success: true });
  });
});
