/** One look in command line, ROS, reports and console: palette, overlays, markers, annotations. */
export { annotationsMessage } from "./annotations.js";
export { renderLabel } from "./label.js";
export { markersMessage } from "./markers.js";
export { drawOverlay, overlayPixels } from "./overlay.js";
export { palette } from "./style.js";
export { surfacePosition } from "./surface.js";
