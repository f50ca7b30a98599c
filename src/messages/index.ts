/** The ROS messages this project reads and writes, their definitions, and their conversion to and from plain types. */
export { type CameraReading, cameraForImage, cameraFromInfo, rectifiedByName } from "./camera.js";
export { type Decoder, decoderFor, encodeMessage } from "./codec.js";
export { colourEncodings, colourFromImage } from "./colour.js";
export { colourFromCompressed, depthFromCompressed, isCompressedDepth } from "./compressed.js";
export { builtinDefinition } from "./definitions.js";
export { depthEncodings, depthFromImage } from "./depth.js";
export { depthFromEncoded, unreadDepthFormat } from "./depth-file.js";
export {
  cameraInfoMessage,
  detectionsMessage,
  headerOf,
  type LabelledBox,
  maskMessage,
  poseArrayMessage,
  poseMessage,
} from "./to-ros.js";
export * from "./types.js";
