import { expect, it } from "vitest";
import { compose, invert, type Mask, maskIou, type Vec3 } from "../../../src/geometry/index.js";
import { sameObject } from "../../../src/pipeline/index.js";
import { cylinder, look, type Solid } from "../../support/raycast.js";

const left = cylinder([0, 0.09, 0.05], 0.035, 0.1);
const right = cylinder([0, -0.09, 0.05], 0.035, 0.1);
const front: Vec3 = [-0.45, 0, 0.4];
const behind: Vec3 = [0.45, 0.02, 0.4];

/** Two images of the same solids, from the front and from behind, where left and right change places. */
function given(solids: readonly Solid[] = [left, right]) {
  const options = { width: 320, height: 240 };
  const first = look(solids, { eye: front, ...options });
  const second = look(solids, { eye: behind, ...options });
  const pose = compose(invert(first.cameraToWorld), second.cameraToWorld);
  const find = (detections: readonly Mask[]) =>
    sameObject(first.frame, first.masks[0]!, second.frame, detections, pose);
  return { first, second, pose, find };
}

it("is the detection at the first one's place, whatever the words mean from there", () => {
  const { second, find } = given();
  const [same, other] = second.masks as [Mask, Mask];
  // "The left one" is the other one from behind: the model puts it first.
  expect(find([other, same])).toEqual({ mask: same, detection: 1 });
  expect(find([same, other])).toEqual({ mask: same, detection: 0 });
});

it("is followed over its surface where the model finds another one, or none", () => {
  const { second, find } = given();
  const [same, other] = second.masks as [Mask, Mask];
  for (const detections of [[other], []]) {
    const found = find(detections)!;
    expect(found.detection).toBeUndefined();
    expect(maskIou(found.mask, same)).toBeGreaterThan(0.8);
    expect(maskIou(found.mask, other)).toBe(0);
  }
});

it("is not the union of both, which a model may give", () => {
  const { second, find } = given();
  const [same, other] = second.masks as [Mask, Mask];
  const both: Mask = { ...same, data: same.data.map((v, i) => v | other.data[i]!) };
  const found = find([both])!;
  expect(found.detection).toBeUndefined();
  expect(maskIou(found.mask, same)).toBeGreaterThan(0.8);
});

it("is nowhere where the second image does not show it, even with a detection", () => {
  const { first, second } = given([left, right]);
  const elsewhere = look([left, right], {
    eye: [0.9, -0.9, 0.3],
    at: [1.2, -1.2, 0],
    width: 320,
    height: 240,
  });
  const pose = compose(invert(first.cameraToWorld), elsewhere.cameraToWorld);
  const [, other] = second.masks as [Mask, Mask];
  expect(sameObject(first.frame, first.masks[0]!, elsewhere.frame, [other], pose)).toBeUndefined();
});

it("is found by its place where the first image shows no table to follow its surface from", () => {
  const { first, second, pose } = given();
  const [mask] = first.masks as [Mask];
  const data = first.frame.depth.data.map((z, i) => (mask.data[i] === 1 ? z : Number.NaN));
  const alone = { ...first.frame, depth: { ...first.frame.depth, data } };
  const [same, other] = second.masks as [Mask, Mask];
  expect(sameObject(alone, mask, second.frame, [other, same], pose)?.detection).toBe(1);
  expect(sameObject(alone, mask, second.frame, [other], pose)).toBeUndefined();
});
