import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from "vitest";
import { boxIou } from "../../src/geometry/index.js";
import { type Browser, keepScreenshot, openBrowser } from "./support/browser.js";
import { openConsole, type TestConsole, trueBox } from "./support/console.js";

let browser: Browser;
let served: TestConsole;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  browser = await openBrowser();
});
afterAll(() => browser?.close());
beforeEach(async () => {
  served = await openConsole();
  page = await browser.context.newPage();
  problems.length = 0;
  page.on("pageerror", (error) => problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  await page.goto(served.url);
  await shown(page);
});
afterEach(async () => {
  await page.close();
  await served.close();
  await browser.context.clearCookies();
});

/** Waits until an image is on the screen. */
const shown = (target: Page) =>
  target.waitForFunction(() => {
    const canvas = document.querySelector<HTMLCanvasElement>("#image");
    const pixel = canvas?.getContext("2d")?.getImageData(canvas.width / 2, canvas.height - 5, 1, 1).data;
    return pixel !== undefined && (pixel[0] ?? 0) > 60;
  });

async function ask(query: string): Promise<void> {
  await page.fill("#query", query);
  await page.press("#query", "Enter");
  await page.waitForSelector(`article h2 span:text-is("${query}")`);
}

/** Boxes drawn for a query, as the page's own numbers and as where they are on the screen. */
const boxes = (query: string) =>
  page.$$eval(`g[data-query="${query}"] rect.box`, (rects) =>
    rects.map((rect) => {
      const image = document.querySelector("#image")?.getBoundingClientRect() as DOMRect;
      const on = rect.getBoundingClientRect();
      const scale = 640 / image.width;
      const stroke = (Number(rect.getAttribute("stroke-width")) / scale) * 0.5;
      return {
        chosen: rect.classList.contains("chosen"),
        box: ["x", "y", "width", "height"].map((name) => Number(rect.getAttribute(name))),
        screen: [
          on.left + stroke - image.left,
          on.top + stroke - image.top,
          on.right - stroke - image.left,
          on.bottom - stroke - image.top,
        ].map((value) => value * scale),
      };
    }),
  );

it("shows the recording's image without errors or anything from another server", async () => {
  const requests: string[] = [];
  page.on("request", (request) => requests.push(request.url()));
  await page.reload();
  await shown(page);
  expect(requests.filter((url) => !url.startsWith(served.url) && !/^(blob|data):/.test(url))).toEqual([]);
  expect(problems).toEqual([]);
  expect(await page.textContent(".source")).toBe("demo.mcap");
});

it("draws a box where the object is, and a grasp inside it", async () => {
  await ask("the blue mug");
  const answer = served.core.queries.answers[0];
  const wanted = trueBox(answer?.stamp ?? "", "blue mug");
  const [drawn] = await boxes("the blue mug");
  const [x, y, width, height] = drawn?.box ?? [];
  expect(boxIou([x!, y!, x! + width!, y! + height!], wanted)).toBeGreaterThan(0.8);
  expect(boxIou(drawn?.screen as [number, number, number, number], wanted)).toBeGreaterThan(0.8);
  const tips = await page.$$eval("g.grasp line[stroke='#fff']", (lines) =>
    lines.map((line) => [Number(line.getAttribute("x1")), Number(line.getAttribute("y1"))]),
  );
  expect(tips).toHaveLength(4);
  for (const [u, v] of tips.slice(0, 2)) {
    expect(u).toBeGreaterThan(wanted[0] - 25);
    expect(u).toBeLessThan(wanted[2] + 25);
    expect(v).toBeGreaterThan(wanted[1] - 25);
    expect(v).toBeLessThan(wanted[3] + 25);
  }
  // The mask is an outline: opaque at its edge, and clear inside, where the object keeps its own colour.
  const column = await page.$eval(
    "canvas.masks",
    (element, [cx, y1, y2]) => {
      const canvas = element as HTMLCanvasElement;
      const { data } = canvas.getContext("2d")!.getImageData(cx!, y1!, 1, y2! - y1!);
      return Array.from({ length: data.length / 4 }, (_, i) => data[i * 4 + 3] as number);
    },
    [Math.round((wanted[0] + wanted[2]) / 2), wanted[3] - 45, wanted[3] + 5] as const,
  );
  expect(Math.max(...column)).toBeGreaterThan(200);
  expect(column.filter((alpha) => alpha < 30).length).toBeGreaterThan(10);
  await keepScreenshot(page, "answer");
});

it("says plainly what was not found", async () => {
  await ask("the purple bottle");
  expect(await page.textContent("article p")).toMatch(/^not found \(5 % sure/);
  expect(await boxes("the purple bottle")).toEqual([]);
});

it("takes another candidate when its box is clicked, and plans its grasp", async () => {
  await ask("the red object");
  const before = await boxes("the red object");
  expect(before.length).toBeGreaterThan(1);
  const mug = trueBox(served.core.queries.answers[0]?.stamp ?? "", "red mug");
  const area = (await page.locator("#image").boundingBox())!;
  const scale = area.width / 640;
  await page.mouse.click(area.x + ((mug[0] + mug[2]) / 2) * scale, area.y + (mug[3] - 30) * scale);
  await page.waitForFunction(
    ([x]) => Number(document.querySelector("rect.box.chosen")?.getAttribute("x")) < (x as number) + 20,
    [mug[0]] as const,
  );
  const chosen = (await boxes("the red object")).find((each) => each.chosen)?.box as number[];
  expect(
    boxIou([chosen[0]!, chosen[1]!, chosen[0]! + chosen[2]!, chosen[1]! + chosen[3]!], mug),
  ).toBeGreaterThan(0.7);
  expect(await page.locator(".candidate.chosen").count()).toBe(1);
});

it("hides and shows each layer", async () => {
  await ask("the blue mug");
  for (const [label, selector] of [
    ["boxes", "rect.box"],
    ["masks", "canvas.masks"],
    ["grasps", "g.grasp"],
  ] as const) {
    await page.getByLabel(label, { exact: true }).uncheck();
    expect(await page.locator(selector).count()).toBe(0);
    await page.getByLabel(label, { exact: true }).check();
    expect(await page.locator(selector).count()).toBeGreaterThan(0);
  }
  await page.getByLabel("heat map").check();
  await page.waitForFunction(
    () => document.querySelector<HTMLImageElement>("img.heat")?.naturalWidth === 640,
  );
});

it("seeks, steps and plays the recording", async () => {
  const seek = page.locator("#seek");
  await seek.fill("2");
  // The first image at or after the second asked for.
  await expect.poll(() => served.source.state.position).toBeCloseTo((10 * 4) / 19, 2);
  const at = served.source.state.position;
  await page.getByRole("button", { name: "Step back" }).click();
  await expect.poll(() => served.source.state.position).toBeLessThan(at);
  expect(at - served.source.state.position).toBeCloseTo(4 / 19, 2);
  await page.getByRole("button", { name: "Play" }).click();
  await expect.poll(() => served.source.state.position, { timeout: 60_000 }).toBeGreaterThan(at + 0.5);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Pause" }).click();
  await expect.poll(() => served.source.state.playing).toBe(false);
});

it("marks where in the recording questions were answered", async () => {
  await page.locator("#seek").fill("3");
  await expect.poll(() => served.source.state.position).toBeGreaterThan(2.9);
  await page.waitForTimeout(300);
  await ask("the banana, yellow");
  const mark = page.locator(".marks i.found");
  await mark.waitFor({ state: "attached" });
  expect(
    Number.parseFloat(await mark.evaluate((element) => (element as HTMLElement).style.left)),
  ).toBeGreaterThan(70);
});

it("shows the points and the grasps in three dimensions", async () => {
  await ask("the blue mug");
  await page.getByRole("radio", { name: "3D" }).click();
  const text = page.getByText(/\d+ points; drag to turn|cannot draw in 3D/);
  await text.waitFor({ timeout: 60_000 });
  expect(Number.parseInt((await text.textContent()) ?? "", 10)).toBeGreaterThan(50_000);
  await page.locator(".scene canvas").scrollIntoViewIfNeeded();
  await page.waitForTimeout(300);
  await keepScreenshot(page, "3d");
});

it("latches the emergency stop until it is reset, by key and by button", async () => {
  await page.keyboard.press("Escape");
  await page.waitForSelector(".stopped");
  expect(served.core.store.value.estop).toMatchObject({ latched: true, by: "operator 1" });
  await page.reload();
  await page.waitForSelector(".stopped");
  await page.getByRole("button", { name: "Reset" }).click();
  await page.waitForSelector("#estop");
  expect(served.core.store.value.estop.latched).toBe(false);
  await page.click("#estop");
  await expect.poll(() => served.core.store.value.estop.latched).toBe(true);
});

it("comes back by itself after the network was cut, with its session and control", async () => {
  await ask("the blue mug");
  // A page that is quick shows the loss only for a moment: what it showed is written down.
  await page.evaluate(() => {
    const shown: string[] = [];
    Object.assign(window, { shown });
    new MutationObserver(() => {
      for (const dot of document.querySelectorAll(".dot")) shown.push(dot.className);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
  });
  await browser.context.setOffline(true);
  try {
    await page.evaluate(() => window.dispatchEvent(new Event("offline")));
    served.core.clients.drop();
    await page.waitForFunction(() =>
      (window as unknown as { shown: string[] }).shown.some((name) => /\b(lost|connecting)\b/.test(name)),
    );
  } finally {
    await browser.context.setOffline(false);
  }
  await page.waitForSelector(".dot.open", { timeout: 60_000 });
  expect(await page.textContent("article h2 span")).toBe("the blue mug");
  await ask("the yellow banana");
  expect(served.core.lease.holder?.name).toBe("operator 1");
});

it("refuses the second operator until control is handed over", async () => {
  await ask("the blue mug");
  const other = await openBrowser();
  try {
    const second = await other.context.newPage();
    await second.goto(served.url);
    await shown(second);
    await second.getByText("operator 1 is in control").waitFor();
    expect(await second.locator("#query").isDisabled()).toBe(true);
    await second.getByRole("button", { name: "Ask for control" }).click();
    await page.getByRole("button", { name: "Hand over" }).click();
    await second.getByText("in control", { exact: true }).waitFor();
    expect(await second.locator("#query").isDisabled()).toBe(false);
    await page.getByText("operator 2 is in control").waitFor();
    expect(await page.locator("#query").isDisabled()).toBe(true);
  } finally {
    await other.close();
  }
});
