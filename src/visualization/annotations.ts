import type { ColorMessage, Header, ImageAnnotationsMessage, LabelledBox } from "../messages/index.js";
import { type Colour, colourAt, labelBackground, labelText } from "./style.js";

const none: ColorMessage = { r: 0, g: 0, b: 0, a: 0 };
/** foxglove_msgs/PointsAnnotation. */
const lineLoop = 2;
/** In pixels of the image. */
const thickness = 2;
const fontSize = 14;

/** A colour as ROS messages have it, 0..1. */
export const colorMessage = ([r, g, b]: Colour, a = 1): ColorMessage => ({
  r: r / 255,
  g: g / 255,
  b: b / 255,
  a,
});

/**
 * Boxes and labels to draw over the image of the same stamp, each query in its own colour.
 * @param first number of the first query's colour
 */
export function annotationsMessage(
  header: Header,
  found: readonly LabelledBox[],
  first = 0,
): ImageAnnotationsMessage {
  const queries = [...new Set(found.map(({ label }) => label))];
  const colour = (label: string) => colorMessage(colourAt(first + queries.indexOf(label)));
  return {
    circles: [],
    points: found.map(({ box: [x1, y1, x2, y2], label }) => ({
      timestamp: header.stamp,
      type: lineLoop,
      points: [
        { x: x1, y: y1 },
        { x: x2, y: y1 },
        { x: x2, y: y2 },
        { x: x1, y: y2 },
      ],
      outline_color: colour(label),
      outline_colors: [],
      fill_color: none,
      thickness,
    })),
    texts: found.map(({ box, score, label }) => ({
      timestamp: header.stamp,
      position: { x: box[0], y: box[1] },
      text: `${label} ${score.toFixed(2)}`,
      font_size: fontSize,
      text_color: colorMessage(labelText),
      background_color: colorMessage(labelBackground, 0.8),
    })),
  };
}
