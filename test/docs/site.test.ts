import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type PreviewServer, preview } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Browser, openBrowser } from "../console/support/browser.js";
import { repository } from "../support/python.js";

const { checkLinks } = (await import("../../scripts/site/links.mjs" as string)) as {
  checkLinks: (site: string, base?: string) => { pages: number; links: number; broken: string[] };
};

const folder = mkdtempSync(join(tmpdir(), "site-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("npm run docs:site", () => {
  const base = "/below/a/path/";
  const site = join(folder, "site");
  let server: PreviewServer;
  let browser: Browser;
  let address: string;

  beforeAll(async () => {
    const build = [join(repository, "scripts", "site", "build.mjs"), "--base", base, "--out", site];
    const { status, stderr } = spawnSync(process.execPath, build, { cwd: repository, encoding: "utf8" });
    expect(status, stderr).toBe(0);
    server = await preview({
      base,
      root: folder,
      appType: "mpa",
      logLevel: "silent",
      build: { outDir: site },
      preview: { host: "127.0.0.1", port: 0 },
    });
    address = server.resolvedUrls!.local[0]!;
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });

  it("has every page of docs/, and one for each thing that the library exports", () => {
    const pages = new Set(readdirSync(site, { recursive: true, encoding: "utf8" }));
    const docs = readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" });
    for (const page of docs.filter((name) => name.endsWith(".md")))
      expect(pages, page).toContain(page.replace(/md$/, "html"));
    const exported = [
      ...readFileSync(join(repository, "src", "index.ts"), "utf8").matchAll(/^ {2}(?:type )?(\w+),$/gm),
    ];
    expect(exported.length).toBeGreaterThan(150);
    // Names that differ in case alone get a number, for file systems that take them for one.
    const plain = (name: string) => name.replace(/(-\d+)?\.html$/, "").toLowerCase();
    const api = [...pages]
      .filter((name) => /^api\/.*\.html$/.test(name))
      .map((name) => plain(name.split("/").at(-1)!));
    expect(exported.map(([, name = ""]) => name).filter((name) => !api.includes(name.toLowerCase()))).toEqual(
      [],
    );
    expect(api.length).toBeGreaterThanOrEqual(exported.length);
  });

  it.each([
    ["a desktop", 1440, 900],
    ["a phone", 390, 844],
  ])("fits the window of %s, and every file that its pages load is there", async (_, width, height) => {
    const page = await browser.context.newPage();
    const wrong: string[] = [];
    page.on("pageerror", (error) => wrong.push(error.message));
    page.on("response", (each) => {
      if (each.status() >= 400) wrong.push(`${each.status()} ${each.url()}`);
    });
    await page.setViewportSize({ width, height });
    for (const name of [
      "",
      "guide/first-grasp.html",
      "ros-api.html",
      "errors.html",
      "console.html",
      "api/index.html",
    ]) {
      await page.goto(`${address}${name}`, { waitUntil: "networkidle" });
      expect(await page.locator("h1").first().innerText()).not.toBe("");
      expect(await page.evaluate("document.documentElement.scrollWidth"), name).toBeLessThanOrEqual(width);
    }
    expect(wrong).toEqual([]);
    await page.close();
  });

  it("finds pages by their words, and goes to the place", async () => {
    const page = await browser.context.newPage();
    await page.goto(`${address}guide/first-grasp.html`);
    await page.getByRole("button", { name: "Search" }).first().click();
    await page.locator(".VPLocalSearchBox input").fill("RESUME_MISMATCH");
    await page.locator(".VPLocalSearchBox .result").first().click();
    await page.waitForURL(/\/errors\.html/);
    await page.close();
  });
});

describe("the check of links", () => {
  const write = (name: string, body: string) => {
    mkdirSync(join(folder, "small", "sub"), { recursive: true });
    writeFileSync(join(folder, "small", name), `<html><body>${body}</body></html>`);
  };

  it("finds pages, images and anchors that are missing", () => {
    write("index.html", '<h1 id="a">A</h1><a href="/sub/page.html#b">b</a><a href="#a">a</a>');
    write("sub/page.html", '<h2 id="b">B</h2><a href="../index.html">up</a>');
    expect(checkLinks(join(folder, "small"))).toEqual({ pages: 2, links: 3, broken: [] });
    write(
      "sub/page.html",
      '<a href="../gone.html">g</a><img src="/no.png"><a href="https://example.org/x">x</a>',
    );
    expect(checkLinks(join(folder, "small")).broken.sort()).toEqual([
      "index.html: /sub/page.html#b",
      "sub/page.html: ../gone.html",
      "sub/page.html: /no.png",
    ]);
    expect(checkLinks(join(folder, "small"), "/below/").broken).toContain("index.html: /sub/page.html#b");
  });
});
