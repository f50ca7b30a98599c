/** One look in command line, ROS, reports and console: palette, overlays, markers, annotations. */
export { drawOverlay, palette, renderLabel } from "./overlay.js";
export { surfacePosition } from "./surface.js";
