import { describe, expect, it } from "vitest";
import { CommandGrounder, type CommandGrounderOptions } from "../../../../src/grounding/index.js";
import { DrawnGrounder, type DrawnObject, draw } from "./drawn.js";

const redMug: DrawnObject = {
  box: [20, 100, 60, 150],
  rgb: [200, 20, 20],
  z: 0.8,
  named: /\b(?:red )?mugs?\b(?<!(?:blue|green) mugs?)/,
};
const blueMug: DrawnObject = {
  box: [230, 100, 268, 150],
  rgb: [20, 40, 200],
  z: 0.8,
  named: /\b(?:blue )?mugs?\b(?<!(?:red|green) mugs?)/,
};
const greenMug: DrawnObject = {
  box: [120, 100, 160, 150],
  rgb: [20, 160, 40],
  z: 0.8,
  named: /\b(?:green )?mugs?\b(?<!(?:red|blue) mugs?)/,
};
const can: DrawnObject = { box: [180, 90, 200, 150], rgb: [150, 150, 150], z: 0.8, named: /\bcans?\b/ };
const bowl: DrawnObject = { box: [280, 60, 318, 90], rgb: [240, 200, 40], z: 1.2, named: /\bbowls?\b/ };
const scene = [redMug, blueMug, greenMug, can, bowl];

function open(objects = scene, options: CommandGrounderOptions = {}) {
  const drawn = new DrawnGrounder(objects);
  const grounder = new CommandGrounder(drawn, options);
  const frame = draw(objects);
  const ask = async (query: string, client?: string, ask?: "never" | "when_unsure" | "always") =>
    (await grounder.ground(frame, [query], { ...(client && { client }), ...(ask && { ask }) }))[0]!;
  return { drawn, ask, grounder, frame };
}

const boxes = (grounding: { detections: readonly { box: unknown }[] }) =>
  grounding.detections.map(({ box }) => box);

describe("what the model is asked", () => {
  it.each([
    "the red mug",
    "give me the red mug",
    "where's the can?",
    "I need to cut something",
    "all the mugs",
  ])("is a plain query as it was said: %s", async (query) => {
    const { drawn, ask } = open();
    const answer = await ask(query);
    expect(drawn.asked[0]![0]).toBe(query);
    if (!query.startsWith("all")) expect(drawn.asked[0]).toHaveLength(1);
    expect(answer.query).toBe(query);
  });

  it("is a plain query with its spelling corrected, otherwise as it was written", async () => {
    const { drawn, ask } = open();
    await ask("Give me the botle, please!");
    expect(drawn.asked).toEqual([["Give me the bottle, please!"]]);
  });

  it("is each phrase once, on one call, for several queries", async () => {
    const { drawn, grounder, frame } = open();
    const answers = await grounder.ground(frame, ["not the red mug", "the can", "the can"]);
    expect(drawn.asked).toHaveLength(1);
    expect(new Set(drawn.asked[0]).size).toBe(drawn.asked[0]!.length);
    expect(answers.map(({ query }) => query)).toEqual(["not the red mug", "the can", "the can"]);
  });
});

describe("negation and sets", () => {
  it.each(["not the red mug", "the mug that is not red", "the mug, not the red one"])("%s", async (query) => {
    const { detections } = await open().ask(query);
    expect(detections.length).toBeGreaterThan(0);
    expect(detections.map(({ box }) => box)).not.toContainEqual(redMug.box);
    expect([blueMug.box, greenMug.box]).toContainEqual(detections[0]!.box);
  });

  it("finds nothing where all that there is was excluded", async () => {
    expect(await open([redMug, can]).ask("not the red mug")).toMatchObject({ found: false, detections: [] });
  });

  it("anything but the mug is none of the mugs", async () => {
    const answer = await open([redMug, can, bowl]).ask("anything but the mug");
    expect(boxes(answer)).toContainEqual(can.box);
    expect(boxes(answer)).not.toContainEqual(redMug.box);
  });

  it("gives as many as were asked for", async () => {
    expect((await open().ask("two mugs")).detections).toHaveLength(2);
    expect((await open().ask("all the mugs except the blue one")).detections).toHaveLength(2);
  });

  it("gives one object for each of several targets, in their order", async () => {
    const { detections, found } = await open().ask("the bowl and the can");
    expect(found).toBe(true);
    expect(detections.map(({ box, target }) => [box, target])).toEqual([
      [bowl.box, 0],
      [can.box, 1],
    ]);
  });
});

describe("relations", () => {
  it.each([
    ["the mug to the left of the can", greenMug],
    ["the mug right of the can", blueMug],
    ["the mug closest to the can", greenMug],
    ["the mug farthest from the can", redMug],
    ["the can between the green mug and the blue mug", can],
  ])("%s", async (query, wanted) => {
    expect((await open().ask(query)).detections[0]?.box).toEqual(wanted.box);
  });

  it("depth decides what is in front and what is behind", async () => {
    const near: DrawnObject = { box: [100, 120, 140, 170], z: 0.6, named: /\bmugs?\b/ };
    const far: DrawnObject = { box: [102, 118, 138, 165], z: 1.4, named: /\bmugs?\b/ };
    const apart: DrawnObject = { ...far, box: [142, 90, 178, 140] };
    const mark: DrawnObject = { box: [120, 100, 160, 150], z: 1, named: /\bcans?\b/ };
    expect((await open([near, apart, mark]).ask("the mug behind the can")).detections[0]?.box).toEqual(
      apart.box,
    );
    expect((await open([apart, near, mark]).ask("the mug in front of the can")).detections[0]?.box).toEqual(
      near.box,
    );
  });

  it("is the model's own answer where the landmark is not found", async () => {
    expect((await open([redMug, blueMug]).ask("the mug left of the can")).detections[0]?.box).toEqual(
      redMug.box,
    );
  });
});

describe("places", () => {
  it("names where the destination's landmark is", async () => {
    const answer = await open().ask("put the red mug in the bowl");
    expect(answer).toMatchObject({
      found: true,
      command: { act: "pick-and-place" },
      destination: { relation: "in", found: [{ phrase: "the bowl", detection: { box: bowl.box } }] },
    });
    expect(answer.detections[0]?.box).toEqual(redMug.box);
  });

  it("says so where it is not found", async () => {
    const { destination } = await open([redMug]).ask("put the red mug in the bowl");
    expect(destination?.found).toEqual([{ phrase: "the bowl" }]);
  });
});

describe("asking back", () => {
  it("asks which of three, by colour", async () => {
    const { question, detections } = await open().ask("the mug", undefined, "when_unsure");
    expect(question?.labels.toSorted()).toEqual(["the blue mug", "the green mug", "the red mug"]);
    expect(question?.text).toMatch(/^The \w+ mug, the \w+ one or the \w+ one\?$/);
    expect(detections).toHaveLength(3);
  });

  it("asks by place where colours are the same", async () => {
    const twin = { ...blueMug, rgb: redMug.rgb!, named: /\bmugs?\b/ };
    const { question } = await open([{ ...redMug, named: /\bmugs?\b/ }, twin]).ask(
      "the mug",
      undefined,
      "when_unsure",
    );
    expect(question?.text).toBe("The mug on the left or the one on the right?");
  });

  it.each(["the can", "a mug", "all the mugs", "the mug on the left", "the leftmost mug", "the red mug"])(
    "asks nothing for %s",
    async (query) => {
      expect((await open().ask(query, undefined, "when_unsure")).question).toBeUndefined();
    },
  );

  it("never asks when it must not, and always when it must", async () => {
    expect((await open().ask("the mug")).question).toBeUndefined();
    expect((await open().ask("the can", undefined, "always")).question?.text).toMatch(
      /^Do you mean the .*can.*\?$/,
    );
  });

  it.each([
    ["the blue one", blueMug],
    ["the left one", redMug],
    ["the one on the right", blueMug],
    ["the middle one", greenMug],
    ["the green mug", greenMug],
  ])("takes the reply %s", async (reply, wanted) => {
    const { ask } = open();
    await ask("the mug", "console", "when_unsure");
    const answer = await ask(reply, "console", "when_unsure");
    expect(answer.detections[0]?.box).toEqual(wanted.box);
    expect(answer.question).toBeUndefined();
  });

  it("takes yes for the first", async () => {
    const { ask } = open();
    const asked = await ask("the mug", "a", "when_unsure");
    expect((await ask("yes", "a")).detections[0]?.box).toEqual(asked.detections[0]?.box);
  });

  it("takes another query for what it is", async () => {
    const { ask } = open();
    await ask("the mug", "a", "when_unsure");
    expect((await ask("the can", "a")).detections[0]?.box).toEqual(can.box);
  });
});

describe("references to the last answer", () => {
  it("the other one, and another, are objects not shown yet", async () => {
    const { ask } = open();
    const first = await ask("the mug", "a");
    const second = await ask("the other one", "a");
    const third = await ask("another one", "a");
    const shown = [first, second, third].map(({ detections }) => String(detections[0]?.box));
    expect(new Set(shown).size).toBe(3);
    expect((await ask("another one", "a")).found).toBe(false);
  });

  it("it is the last object; one is of the last kind", async () => {
    const { ask } = open();
    await ask("the green mug", "a");
    expect((await ask("pick it up", "a")).detections[0]?.box).toEqual(greenMug.box);
    expect((await ask("the blue one", "a")).detections[0]?.box).toEqual(blueMug.box);
    expect((await ask("a bit more to the left", "a")).detections[0]?.box).toEqual(greenMug.box);
  });

  it("askers do not hear of each other", async () => {
    const { ask, drawn } = open();
    await ask("the green mug", "a");
    await ask("the blue one", "b");
    expect(drawn.asked.at(-1)).toContain("the blue one");
  });
});

describe("other languages", () => {
  it("find nothing and say which language it is", async () => {
    const answer = await open().ask("gib mir die rote Tasse");
    expect(answer).toMatchObject({ found: false, detections: [], presence: 0, language: { code: "de" } });
  });

  it("are asked as they are translated", async () => {
    const translate = async (text: string, from: string) =>
      from === "de" && /Tasse/.test(text) ? "the red mug" : "";
    const { drawn, ask } = open(scene, { translate });
    const answer = await ask("gib mir die rote Tasse");
    expect(drawn.asked).toEqual([["the red mug"]]);
    expect(answer).toMatchObject({ found: true, language: { code: "de", translated: "the red mug" } });
    expect(answer.query).toBe("gib mir die rote Tasse");
  });
});

it("stop names no object", async () => {
  expect(await open().ask("stop")).toMatchObject({ found: false, command: { act: "stop" } });
});

describe("another object that is offered", () => {
  const offer = { phrase: "the can", at: [190, 120] as const, question: "Take the can first?" };
  const asking = { ask: "when_unsure" } as const;

  it("is what yes means, also when it is looked for again; no means the one that was asked for", async () => {
    const { ask, grounder } = open();
    await ask("the red mug", "a", "when_unsure");
    expect(grounder.offer(offer, { ...asking, client: "a" })).toEqual({ text: offer.question, labels: [] });
    for (const reply of ["yes", "Yes, please", "yes"]) {
      const answer = await ask(reply, "a", "when_unsure");
      expect(boxes(answer)).toEqual([can.box]);
      expect(answer.command).toEqual({ act: "pick", targets: [{ phrase: "the can", count: 1 }] });
      expect(answer.question).toBeUndefined();
    }
    const declined = await ask("no", "a", "when_unsure");
    expect(boxes(declined)).toEqual([redMug.box]);
    expect(grounder.offer(offer, { ...asking, client: "a" })).toBeUndefined();
    await ask("the red mug", "a", "when_unsure");
    expect(grounder.offer(offer, { ...asking, client: "a" })).toBeDefined();
  });

  it("is the one of its kind that stands where it was offered", async () => {
    const { ask, grounder } = open();
    await ask("the can", "a", "when_unsure");
    grounder.offer({ phrase: "the mug", at: [250, 125], question: "The mug?" }, { ...asking, client: "a" });
    const answer = await ask("ok", "a", "when_unsure");
    expect(boxes(answer)).toEqual([blueMug.box]);
    expect(answer.question).toBeUndefined();
  });

  it("is offered to nobody who is not asked, and means nothing to another client or after another query", async () => {
    const { ask, grounder } = open();
    await ask("the red mug", "a", "when_unsure");
    expect(grounder.offer(offer, { ask: "never", client: "a" })).toBeUndefined();
    expect(grounder.offer(offer, asking)).toBeUndefined();
    expect(grounder.offer(offer, { ...asking, client: "b" })).toBeUndefined();
    grounder.offer(offer, { ...asking, client: "a" });
    await ask("the bowl", "b", "when_unsure");
    expect(boxes(await ask("yes", "b", "when_unsure"))).not.toContainEqual(can.box);
    await ask("the bowl", "a", "when_unsure");
    expect(boxes(await ask("yes", "a", "when_unsure"))).not.toContainEqual(can.box);
  });
});
