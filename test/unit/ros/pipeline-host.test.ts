import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, it } from "vitest";
import { PipelineHost } from "../../../src/ros/pipeline-host.js";

const folder = mkdtempSync(join(tmpdir(), "pipeline-host-"));
afterAll(() => rmSync(folder, { recursive: true }));

it("starts a pipeline when the one before is closed: two models are never in memory at once", async () => {
  const path = join(folder, "pipeline.mjs");
  const log = join(folder, "log");
  writeFileSync(log, "");
  writeFileSync(
    path,
    `import { appendFileSync } from "node:fs";
     export async function createPipeline(log) {
       appendFileSync(log, "open ");
       const close = async () => {
         await new Promise((resolve) => setTimeout(resolve, 300));
         appendFileSync(log, "closed ");
       };
       return { model: "test", close };
     }`,
  );
  const source = { module: pathToFileURL(path).href, options: log };
  const first = PipelineHost.startBlocking(source, 60);
  const closed = first.close();
  const second = PipelineHost.startBlocking(source, 60);
  expect(readFileSync(log, "utf8")).toBe("open closed open ");
  await closed;
  await second.close();
  expect(readFileSync(log, "utf8")).toBe("open closed open closed ");
});
