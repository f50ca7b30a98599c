// Takes the screenshots of docs/replay.md: reports of the bundled demo as a user makes them, in a real browser.
//     node scripts/replay/screenshots.mjs
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import sharp from "sharp";
import { root, setUp } from "../lib/setup.mjs";

await setUp();
const images = join(root, "docs", "images");
mkdirSync(images, { recursive: true });
const folder = mkdtempSync(join(tmpdir(), "replay-screenshots-"));
const queries = ["give me the red mug on the left", "the yellow banana", "the blue mug", "the green bottle"];

const replay = (...args) => {
  const asked = queries.flatMap((query) => ["--query", query]);
  const bag = join(root, "demo", "demo.mcap");
  const program = [join(root, "bin", "grasp-grounding.mjs"), "replay", bag, ...asked, "--quiet", ...args];
  const env = { ...process.env, GRASP_GROUNDING_SETUP: "skip" };
  const { status } = spawnSync(process.execPath, program, { stdio: "inherit", env });
  if (status !== 0) throw new Error(`replay ended with exit code ${status}`);
};
replay("--report", join(folder, "replay-report.html"));
replay("--compare", "lite", "lite,threshold=0.8", "--report", join(folder, "replay-compare.html"));

const executablePath = [process.env.CHROMIUM_PATH, "/usr/bin/chromium"].find(
  (path) => path && existsSync(path),
);
const browser = await chromium.launch({
  executablePath,
  headless: true,
  args: ["--no-sandbox", "--disable-gpu"],
});
for (const name of ["replay-report", "replay-compare"]) {
  const page = await browser.newPage({ viewport: { width: 1220, height: 1240 }, colorScheme: "light" });
  await page.goto(pathToFileURL(join(folder, `${name}.html`)).href);
  await page.waitForTimeout(300);
  await sharp(await page.screenshot())
    .webp({ quality: 80 })
    .toFile(join(images, `${name}.webp`));
  process.stdout.write(`docs/images/${name}.webp\n`);
  await page.close();
}
await browser.close();
rmSync(folder, { recursive: true, force: true });
