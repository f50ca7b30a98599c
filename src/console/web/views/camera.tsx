import { computed, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Answer } from "../../protocol.js";
import { visibility } from "../freshness.js";
import { imageHeight, imageWidth, onImage } from "../images.js";
import { imageUrl } from "../resources.js";
import {
  answers,
  choose,
  identify,
  inControl,
  layers,
  live,
  placeAt,
  placing,
  selected,
  state,
} from "../store.js";
import { Drawn, Labels, Masks, Target } from "./drawing.js";
import { Here } from "./here.js";

const silence = computed(() => state.value?.stats.silence);

export function Camera() {
  const image = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const onScreen = useSignal(640);
  useEffect(() => {
    onImage((bitmap) => {
      const canvas = image.current;
      if (canvas === null) return;
      if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
        canvas.width = bitmap.width;
        canvas.height = bitmap.height;
      }
      // Opaque: nothing below it needs to be blended in.
      canvas.getContext("2d", { alpha: false })?.drawImage(bitmap, 0, 0);
    });
    const observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      live.view(entry.contentRect.width * devicePixelRatio);
      onScreen.value = Math.round(entry.contentRect.width);
    });
    if (frame.current) observer.observe(frame.current);
    return () => {
      observer.disconnect();
      onImage(undefined);
    };
  }, []);
  // Not the header itself: most images are painted without anything being rendered anew.
  const { value: width = 4 } = imageWidth;
  const { value: height = 3 } = imageHeight;
  const shown = answers.value.filter((answer) => visibility(answer) > 0);
  const exact = shown.filter((answer) => visibility(answer) === 1);
  return (
    <div class="image" ref={frame} style={{ aspectRatio: `${width} / ${height}`, "--ratio": width / height }}>
      <canvas id="image" ref={image} role="img" aria-label={describe(answers.value)} />
      {layers.masks.value && exact.length > 0 && <Masks shown={exact} width={width} height={height} />}
      {layers.heat.value && selected.value && visibility(selected.value) === 1 && (
        <img class="layer heat" alt="" src={imageUrl(`answers/${selected.value.id}/heat.png`)} />
      )}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard the same is chosen in the list of answers */}
      <svg
        class={placing.value ? "layer placing" : "layer"}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        onClick={(event) => void point(event, shown, width, height)}
      >
        <title>
          {placing.value
            ? "Click where it should be put down"
            : "Click a box to choose it, or anything else to ask what it is"}
        </title>
        {shown.map((answer) => (
          <Drawn key={answer.result.query} answer={answer} width={width} share={visibility(answer)} />
        ))}
        {layers.boxes.value && (
          <Labels shown={shown} width={width} height={height} scale={width / onScreen.value} />
        )}
        {placeAt.value && <Target at={placeAt.value} scale={width / 640} />}
      </svg>
      <Here width={width} height={height} />
      {placing.value && (
        <div class="placing-bar" role="status">
          <span>Click where it should be put down</span>
          <button
            type="button"
            onClick={() => {
              placing.value = false;
            }}
          >
            Cancel
          </button>
        </div>
      )}
      {silence.value !== undefined && (
        <p class="silent" role="alert">
          No new image for {silence.value} s: check the camera.
        </p>
      )}
      {imageWidth.value === undefined && <p class="waiting">waiting for the first image</p>}
    </div>
  );
}

/** A click chooses the smallest box under it; elsewhere it asks what is there. */
async function point(
  event: MouseEvent,
  shown: readonly Answer[],
  width: number,
  height: number,
): Promise<void> {
  const area = (event.currentTarget as SVGElement).getBoundingClientRect();
  const x = ((event.clientX - area.left) / area.width) * width;
  const y = ((event.clientY - area.top) / area.height) * height;
  if (!inControl.value) return;
  if (placing.value) {
    placing.value = false;
    placeAt.value = [x, y];
    return;
  }
  const hits = shown.flatMap((answer) =>
    answer.result.detections.map(({ box }, candidate) => ({ answer, candidate, box })),
  );
  const hit = hits
    .filter(({ box }) => x >= box[0] && x < box[2] && y >= box[1] && y < box[3])
    .sort((a, b) => size(a.box) - size(b.box))[0];
  if (hit === undefined) await identify(x, y);
  else await choose(hit.answer, hit.candidate);
}

const size = (box: readonly number[]): number =>
  ((box[2] ?? 0) - (box[0] ?? 0)) * ((box[3] ?? 0) - (box[1] ?? 0));

function describe(shown: readonly Answer[]): string {
  const texts = shown.map(({ text, result }) => `${result.query}: ${text}`);
  return texts.length === 0 ? "camera image" : `camera image; ${texts.join("; ")}`;
}
