import { workerData } from "node:worker_threads";
import { IkSolver, reachability } from "../arm/index.js";
import { asCatalogued, GraspGroundingError } from "../errors/index.js";
import { compose, invert, maskBox } from "../geometry/index.js";
import { type HeldObject, heldInCamera, upInCamera } from "../grasping/index.js";
import { type GraspPipeline, type ProcessOptions, sameObject, scenePoints } from "../pipeline/index.js";
import { overlayPixels } from "../visualization/index.js";
import { type Reply, sendEvent, serve } from "../workers/index.js";
import { type DecodedFrame, decodeFrame } from "./camera/frame-decoder.js";
import { discard } from "./discard.js";
import type {
  BackendStatus,
  FrameBytes,
  FusedView,
  FuseRequest,
  Job,
  JobResult,
  PipelineCall,
  PipelineRequest,
  Reach,
} from "./job.js";
import {
  foundObject,
  maskImage,
  overlayCompressed,
  overlayImage,
  queryResult,
} from "./results/encode-result.js";
import { objectCloud } from "./results/object-surface.js";
import { reportClosed, reportState, type StartData } from "./worker-state.js";

/**
 * The thread everything heavy runs on: decoding images, the pipeline (grounding and grasp planning) and encoding
 * results. It takes one job at a time; the node holds images back and replaces those that wait.
 */
const { module, options, state } = workerData as StartData;
let pipeline: GraspPipeline | undefined;
let last: DecodedFrame | undefined;
/** The solver of the last job's arm. */
let solver: { readonly robot: number; readonly ik: IkSolver } | undefined;

try {
  const { createPipeline } = (await import(module)) as {
    createPipeline: (options: unknown) => Promise<GraspPipeline>;
  };
  pipeline = await createPipeline(options);
  reportState(state, { ready: true, model: pipeline.model });
  tellBackend();
  setInterval(tellBackend, 1000).unref();
} catch (error) {
  const { code, message } = asCatalogued(error);
  reportState(state, { ready: false, code, message });
}

serve(
  async (request: PipelineRequest, signal): Promise<Reply<unknown>> => {
    if ("call" in request) return { value: await call(request.call) };
    if ("fuse" in request) return { value: await fuse(request.fuse) };
    const result = await handle(request.job, signal);
    return { value: result, transfer: transferables(result) };
  },
  {
    toFailure: (error) => {
      const { code, message } = asCatalogued(error);
      return { code, message };
    },
    onClose: async () => {
      await pipeline?.close();
      reportClosed(state);
    },
  },
);

function tellBackend(): void {
  if (pipeline !== undefined) sendEvent({ backend: pipeline.backend } satisfies BackendStatus);
}

async function call(request: PipelineCall): Promise<unknown> {
  switch (request.op) {
    case "process":
      return pipeline!.process(request.frame, request.queries, request.options);
    case "ground":
      return pipeline!.ground(request.frame, request.queries);
    case "plan":
      return pipeline!.plan(request.frame, request.target);
  }
}

/** The object of the first image in the second one, planned on both. */
async function fuse(request: FuseRequest): Promise<FusedView | undefined> {
  const { first, mask, second, pose, cameraInBase, reach, score, withMask } = request;
  const { frame, masks } = second;
  const inBase = compose(cameraInBase, invert(pose));
  const found = sameObject(first, mask, frame, masks, pose, upInCamera(inBase));
  if (found === undefined) return undefined;
  const { reachability } = within(reach, undefined);
  const plan = await pipeline!.plan(frame, {
    mask: found.mask,
    up: upInCamera(cameraInBase),
    views: [{ frame: first, mask, pose: invert(pose) }],
    ...(reachability !== undefined && { reachability }),
  });
  const points = scenePoints(frame, found.mask);
  return {
    object: foundObject(frame, { box: maskBox(found.mask)!, score, mask: found.mask }, withMask, false),
    ...(found.detection !== undefined && { detection: found.detection }),
    ...(plan !== undefined && { plan }),
    ...(points !== undefined && { scenePoints: points }),
  };
}

async function handle(job: Job, signal: AbortSignal): Promise<JobResult> {
  const began = performance.now();
  if (job.frame !== undefined) await take(job.frame, job.rectified);
  if (last === undefined) throw new GraspGroundingError("INTERNAL", { detail: "there is no image yet" });
  const { frame, problems } = last;
  const decodeMs = performance.now() - began;
  const results = await pipeline!.process(frame, job.queries, {
    ...within(job.reach, job.holding),
    effort: job.effort,
    ask: job.ask,
    clients: job.clients,
    signal,
  });
  const { requestedOutputs } = job;
  // Answers to requests go to those who asked, not into the topics' images.
  const shown = results.filter((_, i) => job.published[i] === true);
  const show = shown.length > 0;
  const pixels =
    show && (requestedOutputs.overlay || requestedOutputs.overlayCompressed)
      ? await overlayPixels(frame.colour, shown, frame.camera)
      : undefined;
  return {
    stamp: frame.stamp,
    frameId: frame.frameId,
    width: frame.colour.width,
    height: frame.colour.height,
    results: results.map((each) => queryResult(frame, each, job)),
    problems,
    decodeMs,
    ...(requestedOutputs.fullResult && { fullResult: { frame, results } }),
    ...(show && requestedOutputs.mask && { mask: maskImage(frame, shown) }),
    ...(show && requestedOutputs.objectCloud && { objectCloud: objectCloud(frame, shown) }),
    ...(pixels && requestedOutputs.overlay && { overlay: overlayImage(frame, pixels) }),
    ...(pixels &&
      requestedOutputs.overlayCompressed && {
        overlayCompressed: await overlayCompressed(frame, pixels, job.overlayQuality),
      }),
  };
}

function within(reach: Reach | undefined, holding: HeldObject | undefined): ProcessOptions {
  if (reach === undefined) return {};
  const { robot, chain, configuration, cameraInBase, approach } = reach;
  if (solver?.robot !== robot) solver = { robot, ik: new IkSolver(chain) };
  return {
    up: upInCamera(cameraInBase),
    ...(holding !== undefined && {
      holding: heldInCamera(holding.points, holding.orientation, cameraInBase),
    }),
    reachability: reachability(solver.ik, { frameInBase: cameraInBase, seed: configuration, approach }),
  };
}

/** Makes `bytes` the image that is worked on. The one before is done with: its memory serves this one, or is freed. */
async function take(bytes: FrameBytes, rectified: boolean): Promise<void> {
  const before = last;
  last = undefined;
  discard(before?.colourBytes);
  last = await decodeFrame(bytes, rectified, before?.frame.depth?.data);
}

/** Big encoded images move; one that shares its memory is copied instead. */
function transferables(reply: JobResult): ArrayBuffer[] {
  return [reply.mask, reply.overlay, reply.overlayCompressed, reply.objectCloud]
    .filter((each) => each !== undefined && each.byteLength === each.buffer.byteLength)
    .map((each) => each!.buffer as ArrayBuffer);
}
