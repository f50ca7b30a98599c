import { useEffect, useRef } from "preact/hooks";
import type { Box } from "../../../geometry/index.js";
import { haloOpacity, metricsFor, placeLabels } from "../../../visualization/style.js";
import type { Answer } from "../../protocol.js";
import { colourOf, fitted, paintMasks } from "../draw.js";
import { visibility } from "../freshness.js";
import { imageUrl } from "../resources.js";
import { layers } from "../store.js";

interface DrawnProps {
  readonly answer: Answer;
  /** Width of the image in pixels. */
  readonly width: number;
  /** 1 for an answer to this very image; less for one to an earlier image. */
  readonly share: number;
}

/** Boxes of an answer's candidates and its best grasp, over an image. */
export function Drawn({ answer, width, share }: DrawnProps) {
  const sizes = metricsFor(width);
  return (
    <g class={share < 1 ? "stale" : ""} opacity={share} data-query={answer.result.query}>
      {layers.boxes.value &&
        answer.result.detections.map(({ box }, candidate) => (
          <BoxLines
            key={candidate}
            box={box}
            colour={colourOf(answer)}
            chosen={candidate === answer.chosen}
            sizes={sizes}
          />
        ))}
      {layers.grasps.value && answer.drawn[0] && (
        <g class="grasp" stroke-linecap="round">
          {answer.drawn[0].map(([x1, y1, x2, y2], line) => (
            <line
              key={`halo ${line}`}
              x1={x1}
              y1={y1}
              x2={x2}
              y2={y2}
              stroke="#000"
              stroke-width={sizes.gripperHalo}
            />
          ))}
          {answer.drawn[0].map(([x1, y1, x2, y2], line) => (
            <line key={line} x1={x1} y1={y1} x2={x2} y2={y2} stroke="#fff" stroke-width={sizes.gripper} />
          ))}
        </g>
      )}
    </g>
  );
}

interface BoxProps {
  readonly box: readonly number[];
  readonly colour: string;
  readonly chosen: boolean;
  readonly sizes: ReturnType<typeof metricsFor>;
}

function BoxLines({ box: [x1 = 0, y1 = 0, x2 = 0, y2 = 0], colour, chosen, sizes }: BoxProps) {
  const place = { x: x1, y: y1, width: x2 - x1, height: y2 - y1, fill: "none" };
  return (
    <>
      <rect {...place} stroke="#000" stroke-opacity={haloOpacity} stroke-width={sizes.halo} />
      <rect
        {...place}
        class={`box ${chosen ? "chosen" : ""}`}
        stroke={colour}
        stroke-width={chosen ? sizes.line : sizes.thinLine}
      />
    </>
  );
}

/** In pixels of the screen: labels stay legible on a phone. */
const smallestFont = 11;

/** A label for each answer, at its chosen box, none over another and none beyond the image. */
export function Labels({
  shown,
  width,
  height,
  scale,
}: {
  shown: readonly Answer[];
  width: number;
  height: number;
  /** Pixels of the image for each pixel of the screen. */
  scale: number;
}) {
  const font = Math.max(metricsFor(width).font, Math.round(smallestFont * scale));
  const pad = Math.round(font / 3);
  const bar = Math.max(3, Math.round(font / 4));
  const found = shown.filter(({ result, chosen }) => result.detections[chosen] !== undefined);
  const texts = found.map(({ result, chosen }) => {
    const score = result.detections[chosen]?.score ?? 0;
    const text = fitted(result.query, `600 ${font}px system-ui, sans-serif`, width * 0.45);
    return { ...text, score: Math.round(score * 100) };
  });
  const sizes = texts.map(({ width: wide }) => ({
    width: Math.ceil(wide + bar + 2 * pad),
    height: Math.round(font * 1.55),
  }));
  const boxes = found.map(({ result, chosen }) => result.detections[chosen]?.box as Box | undefined);
  return (
    <>
      {placeLabels(boxes, sizes, { width, height }).map((place, i) => {
        const answer = found[i];
        const size = sizes[i];
        if (place === undefined || answer === undefined || size === undefined) return null;
        return (
          <g
            key={answer.result.query}
            class="label"
            transform={`translate(${place.x} ${place.y})`}
            opacity={visibility(answer)}
          >
            <rect class="back" width={size.width} height={size.height} />
            <rect width={bar} height={size.height} fill={colourOf(answer)} />
            <text x={bar + pad} y={size.height - font * 0.47} font-size={font}>
              {texts[i]?.text}
            </text>
          </g>
        );
      })}
    </>
  );
}

/** The outlines of the answers' masks. */
export function Masks({ shown, width, height }: { shown: readonly Answer[]; width: number; height: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const key = shown.map(({ id }) => id).join();
  useEffect(() => {
    if (canvas.current) paintMasks(canvas.current, shown, width, height);
  }, [key, width, height]);
  return <canvas class="layer masks" ref={canvas} />;
}

/** Where the held object is to be put down. */
export const Target = ({ at: [x, y], scale }: { at: readonly [number, number]; scale: number }) => (
  <g class="target" stroke="#fff" stroke-width={2.5 * scale} fill="none">
    <circle cx={x} cy={y} r={13 * scale} stroke="#000" stroke-width={5 * scale} />
    <circle cx={x} cy={y} r={13 * scale} />
    <path
      d={`M${x - 20 * scale} ${y}h${40 * scale}M${x} ${y - 20 * scale}v${40 * scale}`}
      stroke-width={1.5 * scale}
    />
  </g>
);

/** The image an answer is about, as it was, with what was found in it. */
export function Snapshot({ answer }: { answer: Answer }) {
  const { width, height } = answer.result.image;
  return (
    <div class="snapshot" style={{ aspectRatio: `${width} / ${height}` }}>
      <img src={imageUrl(`answers/${answer.id}/frame.jpg`)} alt={`${answer.result.query}, as it was seen`} />
      <svg class="layer" viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        <Drawn answer={answer} width={width} share={1} />
      </svg>
    </div>
  );
}
