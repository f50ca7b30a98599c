import type { Page } from "playwright-core";
import { afterEach, beforeEach, expect, it } from "vitest";
import { demoArm } from "../../src/cli/console/demo-arm.js";
import { redetectTarget } from "../../src/console/motion/redetect-target.js";
import { boxIou } from "../../src/geometry/index.js";
import { type Browser, openBrowser } from "./support/browser.js";
import { command, demoBag, openConsole, signIn, type TestConsole } from "./support/console.js";

const slow = { timeout: 30_000 };

/** An answer that is not sure is confirmed before anything moves, by the page and by the server. */
let served: TestConsole;
let browser: Browser | undefined;

beforeEach(async () => {
  served = await openConsole({ arm: await demoArm(demoBag) });
});
afterEach(async () => {
  await browser?.close();
  browser = undefined;
  await served?.close();
});

const newest = () => served.core.queries.answers[0]!;
const centre = ([x1, , x2]: readonly number[]) => ((x1 ?? 0) + (x2 ?? 0)) / 2;
const chosenBox = () => newest().result.detections[newest().chosen]!.box;

async function openPage(): Promise<Page> {
  browser = await openBrowser();
  const page = await browser.context.newPage();
  await page.goto(served.url);
  await page.waitForFunction(() => (document.querySelector<HTMLCanvasElement>("#image")?.width ?? 0) > 300);
  return page;
}

async function ask(page: Page, query: string): Promise<void> {
  await page.fill("#query", query);
  await page.press("#query", "Enter");
}

it("refuses to pick an ambiguous answer over HTTP, until a candidate is chosen or confirmed", async () => {
  const { cookie } = await signIn(served.url);
  const send = (body: object) => command(served.url, cookie, body);
  await expect.poll(async () => (await send({ name: "ask", query: "the red mug" })).status, slow).toBe(200);
  const answer = newest().id;
  expect(newest()).toMatchObject({ ambiguous: true, confirmed: false });
  const refused = await send({ name: "pick", answer });
  expect([refused.status, refused.body.error?.code]).toEqual([409, "CONSOLE_UNCONFIRMED"]);
  expect(refused.body.error?.message).toContain("it is not clear which object “the red mug” means");
  expect(served.core.store.value.arm.moving).toBe(false);
  expect((await send({ name: "confirm", answer })).status).toBe(200);
  expect(newest().confirmed).toBe(true);
  // The question asked anew is open anew.
  await send({ name: "ask", query: "the red mug" });
  expect((await send({ name: "pick", answer: newest().id })).body.error?.code).toBe("CONSOLE_UNCONFIRMED");
  expect((await send({ name: "choose", answer: newest().id, candidate: 1 })).status).toBe(200);
  expect(newest()).toMatchObject({ chosen: 1, confirmed: true });
  // Without heartbeats the motion that now begins is stopped at once.
  expect((await send({ name: "pick", answer: newest().id })).body.result).toMatchObject({
    message: expect.stringMatching(/^the page was late/),
  });
});

it("asks which one, names each candidate beside its image, and takes a tap for the answer", async () => {
  const page = await openPage();
  await ask(page, "the red mug");
  await page.locator(".which").waitFor();
  const { question } = newest().result;
  expect(await page.locator(".which").innerText()).toBe(question?.text);
  const captions = await page.locator(".candidate small").allInnerTexts();
  expect(captions.slice(0, question?.labels.length)).toEqual(question?.labels);
  await expect
    .poll(() =>
      page
        .locator(".candidate img")
        .evaluateAll((all) => all.every((img) => (img as HTMLImageElement).naturalWidth > 10)),
    )
    .toBe(true);
  expect(await page.getByRole("button", { name: "Hold to pick" }).count()).toBe(0);
  await page.locator(".candidate").nth(1).click();
  await page.locator(".candidate:nth-child(2).chosen").waitFor();
  await page.getByRole("button", { name: "Hold to pick" }).waitFor();
  expect(await page.locator(".which").count()).toBe(0);
  expect(await page.locator("article .confidence").innerText()).toBe("confirmed");
});

it("takes words for the answer to its question, in the same card", async () => {
  const page = await openPage();
  await ask(page, "the red mug");
  await page.locator(".which").waitFor();
  const boxes = newest().result.detections.slice(0, newest().result.question?.labels.length);
  const left = Math.min(...boxes.map(({ box }) => centre(box)));
  await ask(page, "the left one");
  await page.getByText("confirmed", { exact: true }).waitFor();
  expect(await page.locator("article h2 span").innerText()).toBe("the red mug");
  expect(await page.locator(".older").count()).toBe(0);
  expect(centre(chosenBox())).toBe(left);
});

it("shows what a command was taken for", async () => {
  const page = await openPage();
  await ask(page, "pick the red object but not the blue one");
  await page.getByText(/^pick: the red object, not: /).waitFor();
});

it("finds again what “the other one” meant, on another image", async () => {
  const { cookie } = await signIn(served.url);
  const send = (body: object) => command(served.url, cookie, body);
  await expect.poll(async () => (await send({ name: "ask", query: "the mug" })).status, slow).toBe(200);
  const [first] = newest().result.detections;
  await send({ name: "choose", answer: newest().id, candidate: 0 });
  // The choice is told to the dialogue in its turn.
  await served.core.queries.idle();
  await send({ name: "ask", query: "the other one" });
  const answer = newest();
  expect(answer.result.query).toBe("the other one");
  expect(boxIou(chosenBox(), first!.box)).toBeLessThan(0.2);
  await send({ name: "step", frames: 1 });
  await expect.poll(() => String(served.core.queries.stamp), slow).not.toBe(answer.stamp);
  const { frame, result, chosen } = served.core.queries.store.answerById(answer.id);
  const proposal = { answer: answer.id, chosen, frame, result };
  const again = await redetectTarget(served.core.queries, served.core.motion!, proposal);
  const found = again.result.grounding.detections[again.chosen]!;
  expect(String(again.frame.stamp)).not.toBe(answer.stamp);
  expect(boxIou(found.box, chosenBox())).toBeGreaterThan(0.6);
});

it("stays with the chosen object while a query is followed", async () => {
  const { cookie } = await signIn(served.url);
  const send = (body: object) => command(served.url, cookie, body);
  await expect.poll(async () => (await send({ name: "ask", query: "the red mug" })).status, slow).toBe(200);
  await send({ name: "choose", answer: newest().id, candidate: 1 });
  const { id } = newest();
  const box = chosenBox();
  await send({ name: "follow", query: "the red mug" });
  await send({ name: "play" });
  await expect.poll(() => newest().id, slow).toBeGreaterThan(id + 3);
  await send({ name: "pause" });
  expect(newest().confirmed).toBe(true);
  expect(boxIou(chosenBox(), box)).toBeGreaterThan(0.4);
  // A page that has not heard of the newest answer chooses by the one it shows.
  const [other] = newest().result.detections.filter(({ box: each }) => boxIou(each, chosenBox()) < 0.2);
  const candidate = newest().result.detections.indexOf(other!);
  const shown = newest().id;
  await send({ name: "step", frames: 1 });
  await expect.poll(() => newest().id, slow).toBeGreaterThan(shown);
  expect((await send({ name: "choose", answer: shown, candidate })).status).toBe(200);
  expect(boxIou(chosenBox(), other!.box)).toBeGreaterThan(0.4);
});
