import { createServer } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { GraspGroundingError } from "../../../src/errors/index.js";
import { Metrics, parseEndpoint, type RunningMetrics, startMetrics } from "../../../src/metrics/index.js";

let running: RunningMetrics | undefined;
afterEach(async () => {
  await running?.close();
  running = undefined;
});

const scrape = async (metrics: Metrics) => {
  running = await startMetrics(metrics, { host: "127.0.0.1", port: 0 });
  const answer = await fetch(running.url);
  return { answer, text: await answer.text() };
};
const value = (text: string, series: string) =>
  Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${series} `))
      ?.split(" ")[1],
  );

describe("metrics", () => {
  it("are served in Prometheus' text format, the process's own beside ours", async () => {
    const metrics = new Metrics("node", "1.2.3");
    let images = 3;
    metrics.watch("pictures_total", "Pictures", "counter", () => images);
    metrics.watchState("node_state", "State", ["active", "inactive"], () => "active");
    metrics.answered("found");
    metrics.answered("found");
    metrics.took("pipeline", 0.03);
    const { answer, text } = await scrape(metrics);
    expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(value(text, 'grasp_grounding_info{part="node",version="1.2.3"}')).toBe(1);
    expect(value(text, 'grasp_grounding_answers_total{outcome="found"}')).toBe(2);
    expect(value(text, 'grasp_grounding_answers_total{outcome="failed"}')).toBe(0);
    expect(value(text, "grasp_grounding_pictures_total")).toBe(3);
    expect(value(text, 'grasp_grounding_node_state{state="active"}')).toBe(1);
    expect(value(text, 'grasp_grounding_node_state{state="inactive"}')).toBe(0);
    expect(value(text, 'grasp_grounding_seconds_bucket{le="0.05",stage="pipeline"}')).toBe(1);
    expect(value(text, 'grasp_grounding_seconds_bucket{le="0.025",stage="pipeline"}')).toBe(0);
    expect(value(text, "process_resident_memory_bytes")).toBeGreaterThan(1e6);
    images = 5;
    expect(value(await (await fetch(running!.url)).text(), "grasp_grounding_pictures_total")).toBe(5);
  });

  it("have as many series after hostile input as before", async () => {
    const metrics = new Metrics("console", "0");
    for (const code of ["QUERY_EMPTY", "BAG_DAMAGED"]) metrics.failed({ code });
    metrics.failed(new Error("once"));
    const before = (await metrics.text()).split("\n").length;
    for (let i = 0; i < 500; i++) {
      metrics.failed(new GraspGroundingError("QUERY_EMPTY"));
      metrics.failed({ code: `MADE_UP_${i}`, message: `"}${i}` });
      metrics.failed(new Error(`text ${i}`));
    }
    const after = await metrics.text();
    expect(after.split("\n").length).toBe(before);
    expect(value(after, 'grasp_grounding_errors_total{code="QUERY_EMPTY"}')).toBe(501);
    expect(value(after, 'grasp_grounding_errors_total{code="INTERNAL"}')).toBe(1001);
  });

  it("answer nothing but /metrics", async () => {
    await scrape(new Metrics("node", "0"));
    expect((await fetch(new URL("/", running!.url))).status).toBe(404);
    expect((await fetch(running!.url, { method: "POST", body: "x".repeat(5_000) })).status).toBe(413);
  });

  it("say which port is taken", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    await expect(startMetrics(new Metrics("node", "0"), { host: "127.0.0.1", port })).rejects.toMatchObject({
      code: "METRICS_ENDPOINT",
    });
    other.close();
  });
});

describe("an endpoint's address", () => {
  it.each([
    ["9464", { host: "127.0.0.1", port: 9464 }],
    ["0.0.0.0:9464", { host: "0.0.0.0", port: 9464 }],
    ["robot-1.lab:0", { host: "robot-1.lab", port: 0 }],
    ["[::1]:9464", { host: "::1", port: 9464 }],
  ])("%s", (text, wanted) => {
    expect(parseEndpoint(text)).toEqual(wanted);
  });

  it.each(["", "port", "65536", "::1:80", "host:", ":80", "http://x:80", "80 "])("refuses %j", (text) => {
    expect(() => parseEndpoint(text)).toThrow(/^metrics cannot be served on .*not PORT or HOST:PORT/);
  });
});
