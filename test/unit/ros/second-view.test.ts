import { describe, expect, it } from "vitest";
import {
  compose,
  identityPose,
  invert,
  type Pose,
  rotate,
  subtract,
  type Vec3,
} from "../../../src/geometry/index.js";
import { TfBuffer } from "../../../src/messages/tf-buffer.js";
import { fusedAnswer, fusedView, viewsFrom } from "../../../src/ros/arm/second-view.js";
import type { FoundObject, FuseRequest, QueryResult } from "../../../src/ros/job.js";
import type { Answer } from "../../../src/ros/scheduler.js";
import { cylinder, look, type View } from "../../support/raycast.js";
import { fromAbove, scene } from "../arm/rig.js";

const can = cylinder([0.5, 0, 0.05], 0.033, 0.1);
const image = (eye: Vec3): View => look([can], { eye, at: [0.5, 0, 0.04], width: 160, height: 120 });

function answerOf(view: View, stamp: bigint, more: Partial<QueryResult> = {}): Answer {
  const object = {
    box: [0, 0, 1, 1],
    score: 0.8,
    target: 0,
    mask: new Uint8Array(),
  } as unknown as FoundObject;
  const result = {
    query: "the can",
    found: true,
    objects: [object],
    grasps: [],
    view: { frame: view.frame, masks: view.masks },
    scenePoints: { target: new Float32Array(), obstacles: new Float32Array([1, 2, 3]) },
    ...more,
  } as unknown as QueryResult;
  const done = { stamp, frameId: "camera_color_optical_frame", results: [result], problems: [] };
  return { finished: { done, hasDepth: true }, result, origin: { source: "action" } } as unknown as Answer;
}

describe("an answer of two images", () => {
  const views = [image([0.2, 0, 0.4]), image([0.75, 0.1, 0.4])] as const;
  const grasp = { frame: "camera_color_optical_frame", pose: identityPose, width: 0.07, score: 0.6 };
  const fused = {
    object: { score: 0.8, maskX: 3 } as FoundObject,
    detection: 1,
    plan: { grasps: [grasp], unseen: 0.1 },
    scenePoints: { target: new Float32Array([1, 1, 1]), obstacles: new Float32Array() },
  };
  const dependencies = (asked: FuseRequest[], answer: typeof fused | undefined) => ({
    fuse: async (request: FuseRequest) => {
      asked.push(request);
      return answer;
    },
    from: views[0].cameraToWorld,
    cameraInBase: async (_: string, stamp: bigint): Promise<Pose> => {
      if (stamp !== 20n) throw new Error("TF has forgotten the first image's time");
      return views[1].cameraToWorld;
    },
    withMask: true,
    reach: () => undefined,
  });

  it("is planned with the pose between the cameras, the first one's as it was before the motion", async () => {
    const asked: FuseRequest[] = [];
    const second = answerOf(views[1], 20n, {
      objects: [{ score: 0.9 } as FoundObject, { score: 0.5 } as FoundObject],
    });
    const { result } = await fusedAnswer(answerOf(views[0], 10n), second, dependencies(asked, fused));
    const { pose, cameraInBase, score, second: used } = asked[0]!;
    expect(pose).toEqual(compose(invert(views[0].cameraToWorld), views[1].cameraToWorld));
    expect(cameraInBase).toEqual(views[1].cameraToWorld);
    expect(score).toBe(0.8);
    expect(used.frame).toBe(views[1].frame);
    expect(result.grasps).toEqual([grasp]);
    expect(result.unseen).toBe(0.1);
    // The object of the first image comes first; the detection that it is does not come twice.
    expect(result.objects.map((each) => each.score)).toEqual([0.8, 0.9]);
  });

  it("has no grasp and no object where the second image does not show the first one's", async () => {
    const { result } = await fusedAnswer(
      answerOf(views[0], 10n),
      answerOf(views[1], 20n),
      dependencies([], undefined),
    );
    expect(result.grasps).toEqual([]);
    expect(result.graspFailure).toBe("the second image does not show the object");
    expect(result.scenePoints?.target).toHaveLength(0);
    expect(result.scenePoints?.obstacles).toHaveLength(3);
  });

  it("is the second one's where the first does not show the object", async () => {
    const asked: FuseRequest[] = [];
    const second = answerOf(views[1], 20n);
    const nothing = answerOf(views[0], 10n, { found: false, view: { frame: views[0].frame, masks: [] } });
    expect(await fusedAnswer(nothing, second, dependencies(asked, fused))).toBe(second);
    expect(asked).toHaveLength(0);
  });

  it("keeps the first image's points of the object, to tell later whether it has left its place", () => {
    const target = new Float32Array([0.5, 0, 0.1]);
    const first = { grasps: [], scene: scene({ target }), frameAt: 1 };
    const second = { grasps: [], scene: scene({ target: new Float32Array([0.53, 0, 0.1]) }), frameAt: 2 };
    expect(fusedView(first, second)).toMatchObject({ frameAt: 2, fromStart: target });
    expect(fusedView(first, second).scene.target).toHaveLength(6);
    expect(fusedView({ ...first, scene: scene() }, second).fromStart).toBeUndefined();
  });
});

describe("places to look from", () => {
  const camera: Pose = { ...image([0.2, 0, 0.6]).cameraToWorld };

  it("are the plan's, in the base", () => {
    const nextViews = [fromAbove(0.1, 0, 0.2)];
    const found = { found: true, nextViews } as unknown as QueryResult;
    expect(viewsFrom(camera, found, 0)).toEqual([compose(camera, nextViews[0]!)]);
  });

  it("look at the point of the table that the camera looks at, where the object was not found", () => {
    for (const tableHeight of [0, 0.2]) {
      const views = viewsFrom(camera, { found: false } as QueryResult, tableHeight);
      expect(views.length).toBeGreaterThan(8);
      const ahead = rotate(camera.orientation, [0, 0, 1]);
      const share = (tableHeight - camera.position[2]) / ahead[2];
      const point = camera.position.map((v, i) => v + share * ahead[i]!) as unknown as Vec3;
      expect(point[2]).toBeCloseTo(tableHeight, 9);
      for (const { position } of views) expect(Math.hypot(...subtract(point, position))).toBeCloseTo(0.5, 6);
    }
  });

  it("are somewhere ahead for a camera that looks up", () => {
    const up: Pose = { position: [0, 0, 0.5], orientation: [0, 0, 0, 1] };
    for (const { position } of viewsFrom(up, { found: false } as QueryResult, 0))
      expect(position.every(Number.isFinite)).toBe(true);
  });
});

it("TF names what a frame hangs on, up to the root", () => {
  const buffer = new TfBuffer();
  const edge = (parent: string, child: string) => ({
    header: { stamp: { sec: 1, nanosec: 0 }, frame_id: parent },
    child_frame_id: child,
    transform: { translation: { x: 0, y: 0, z: 0 }, rotation: { x: 0, y: 0, z: 0, w: 1 } },
  });
  buffer.add({ transforms: [edge("base", "hand")] }, false);
  buffer.add({ transforms: [edge("hand", "/camera")] }, true);
  expect(buffer.ancestors("/camera")).toEqual(["camera", "hand", "base"]);
  expect(buffer.ancestors("unknown")).toEqual(["unknown"]);
});
