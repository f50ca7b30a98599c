import { expect, it } from "vitest";
import { CommandGrounder, readReply } from "../../../../src/grounding/index.js";
import { DrawnGrounder, type DrawnObject, draw } from "./drawn.js";

const mug = (x: number): DrawnObject => ({
  box: [x, 100, x + 40, 150],
  rgb: [200, 20, 20],
  z: 0.8,
  named: /\bmugs?\b/,
});
const scene = [mug(20), mug(120), mug(220)];
const frame = draw(scene);

function open() {
  const grounder = new CommandGrounder(new DrawnGrounder(scene));
  return async (query: string) => {
    const options = { client: "ada", ask: "when_unsure" } as const;
    return (await grounder.ground(frame, [query], options))[0]!;
  };
}

it.each([
  ["the left one", 0],
  ["the one on the right", 2],
  ["the mug in the middle", 1],
] as const)("reads %s as the reply to a question", async (reply, wanted) => {
  const answer = await open()("the mug");
  const candidate = readReply(reply, answer, frame.colour);
  expect(answer.detections[candidate ?? -1]?.box).toEqual(scene[wanted]?.box);
});

it("reads nothing into another query, nor into an answer without a question", async () => {
  const ask = open();
  const answer = await ask("the mug");
  for (const other of ["the can on the left", "put it into the bowl", "hello there"])
    expect(readReply(other, answer, frame.colour), other).toBeUndefined();
  const { question: _, ...settled } = answer;
  expect(readReply("the left one", settled, frame.colour)).toBeUndefined();
});

it("asks about the other ones alone, and says them out for another image", async () => {
  const ask = open();
  const first = await ask("the mug");
  await ask(first.question!.labels[0]!);
  const other = await ask("the other one");
  expect(other.question?.labels).toHaveLength(2);
  expect(other.detections.map(({ box }) => String(box))).not.toContain(String(first.detections[0]?.box));
  expect(other.phrases).toEqual(["the mug", "all the mugs", "every mug"]);
});
