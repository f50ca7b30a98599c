import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { repository } from "../../support/python.js";

const executable = [
  process.env.CHROMIUM_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path !== undefined && existsSync(path));

export interface Browser {
  readonly context: BrowserContext;
  close(): Promise<void>;
}

/** A browser with a profile of its own. @throws Error naming the package to install when there is none */
export async function openBrowser(viewport = { width: 1280, height: 800 }): Promise<Browser> {
  if (executable === undefined)
    throw new Error("no Chromium found: `apt-get install chromium`, or set CHROMIUM_PATH");
  const profile = mkdtempSync(join(tmpdir(), "console-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: executable,
    headless: true,
    viewport,
    timeout: 180_000,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      // WebGL without a graphics card.
      "--enable-unsafe-swiftshader",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  // It ends what hangs; a busy machine takes its time.
  context.setDefaultTimeout(120_000);
  return {
    context,
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Keeps an image of the page where CI collects them. */
export async function keepScreenshot(page: Page, name: string): Promise<void> {
  const folder = join(repository, "out", "screenshots");
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
