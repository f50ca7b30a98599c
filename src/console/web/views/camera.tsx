import { computed } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Answer } from "../../protocol.js";
import { colourOf, paintMasks } from "../draw.js";
import { header, imageHeight, imageWidth, onImage } from "../pictures.js";
import { answers, choose, identify, inControl, layers, live, placeAt, placing, selected } from "../store.js";
import { Here } from "./here.js";

/** Answers about an image that has gone by, by number and with commas: a text is the same when they are. */
const gone = computed(() =>
  answers.value
    .filter(({ stamp }) => stamp !== header.value?.stamp)
    .map(({ id }) => id)
    .join(),
);

export function Camera() {
  const image = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
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
      if (entry) live.view(entry.contentRect.width * devicePixelRatio);
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
  const stale = new Set(gone.value.split(",").map(Number));
  return (
    <div
      class="picture"
      ref={frame}
      style={{ aspectRatio: `${width} / ${height}`, "--ratio": width / height }}
    >
      <canvas id="picture" ref={image} role="img" aria-label={describe(answers.value)} />
      {layers.masks.value && answers.value.length > 0 && <Masks width={width} height={height} />}
      {layers.heat.value && selected.value && (
        <img class="layer heat" alt="" src={`api/answers/${selected.value.id}/heat.png`} />
      )}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: by keyboard the same is chosen in the list of answers */}
      <svg
        class={placing.value ? "layer placing" : "layer"}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        onClick={(event) => void point(event, width, height)}
      >
        <title>
          {placing.value
            ? "Click where it shall be put down"
            : "Click a box to choose it, or anything else to ask what it is"}
        </title>
        {answers.value.map((answer, index) => (
          <Drawn
            key={answer.result.query}
            answer={answer}
            index={index}
            scale={width / 640}
            stale={stale.has(answer.id)}
          />
        ))}
        {placeAt.value && <Target at={placeAt.value} scale={width / 640} />}
      </svg>
      <Here width={width} height={height} />
      {imageWidth.value === undefined && <p class="waiting">waiting for the first image</p>}
    </div>
  );
}

/** A click chooses the smallest box under it; elsewhere it asks what is there. */
async function point(event: MouseEvent, width: number, height: number): Promise<void> {
  const area = (event.currentTarget as SVGElement).getBoundingClientRect();
  const x = ((event.clientX - area.left) / area.width) * width;
  const y = ((event.clientY - area.top) / area.height) * height;
  if (!inControl.value) return;
  if (placing.value) {
    placing.value = false;
    placeAt.value = [x, y];
    return;
  }
  const hits = answers.value.flatMap((answer) =>
    answer.result.detections.map(({ box }, candidate) => ({ answer, candidate, box })),
  );
  const hit = hits
    .filter(({ box }) => x >= box[0] && x < box[2] && y >= box[1] && y < box[3])
    .sort((a, b) => size(a.box) - size(b.box))[0];
  if (hit === undefined) await identify(x, y);
  else if (hit.answer.chosen !== hit.candidate) await choose(hit.answer.id, hit.candidate);
}

/** Where the held object is to be put down. */
const Target = ({ at: [x, y], scale }: { at: readonly [number, number]; scale: number }) => (
  <g class="target" stroke="#fff" stroke-width={2.5 * scale} fill="none">
    <circle cx={x} cy={y} r={13 * scale} stroke="#000" stroke-width={5 * scale} />
    <circle cx={x} cy={y} r={13 * scale} />
    <path
      d={`M${x - 20 * scale} ${y}h${40 * scale}M${x} ${y - 20 * scale}v${40 * scale}`}
      stroke-width={1.5 * scale}
    />
  </g>
);

const size = (box: readonly number[]): number =>
  ((box[2] ?? 0) - (box[0] ?? 0)) * ((box[3] ?? 0) - (box[1] ?? 0));

function describe(shown: readonly Answer[]): string {
  const texts = shown.map(({ text, result }) => `${result.query}: ${text}`);
  return texts.length === 0 ? "camera image" : `camera image; ${texts.join("; ")}`;
}

function Drawn({
  answer,
  index,
  scale,
  stale,
}: {
  answer: Answer;
  index: number;
  scale: number;
  stale: boolean;
}) {
  const colour = colourOf(index);
  const best = answer.result.detections[answer.chosen];
  return (
    <g class={stale ? "stale" : ""} stroke={colour} data-query={answer.result.query}>
      {layers.boxes.value &&
        answer.result.detections.map(({ box: [x1, y1, x2, y2] }, candidate) => (
          <rect
            key={candidate}
            class={`box ${candidate === answer.chosen ? "chosen" : ""}`}
            x={x1}
            y={y1}
            width={x2 - x1}
            height={y2 - y1}
            fill="none"
            stroke-width={(candidate === answer.chosen ? 3 : 1.5) * scale}
          />
        ))}
      {layers.grasps.value && answer.drawn[0] && (
        <g class="grasp" stroke-width={4 * scale} stroke-linecap="round">
          {answer.drawn[0].map(([x1, y1, x2, y2], line) => (
            <g key={line}>
              <line x1={x1} y1={y1} x2={x2} y2={y2} stroke="#000" stroke-width={7 * scale} />
              <line x1={x1} y1={y1} x2={x2} y2={y2} stroke="#fff" />
            </g>
          ))}
        </g>
      )}
      {layers.boxes.value && best && (
        <text
          x={best.box[0] + 2 * scale}
          y={Math.max(best.box[1] - 5 * scale, 12 * scale)}
          font-size={13 * scale}
          fill="#fff"
        >
          {answer.result.query} {best.score.toFixed(2)}
        </text>
      )}
    </g>
  );
}

function Masks({ width, height }: { width: number; height: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = answers.value;
  useEffect(() => {
    if (canvas.current) paintMasks(canvas.current, shown, width, height);
  }, [shown, width, height]);
  return <canvas class="layer masks" ref={canvas} />;
}
