/** ONNX graphs made or joined when a model is loaded: images in the graph, encoder and decoder as one. */
export { locateModel } from "./locate.js";
export { type OnnxModel, readModel, writeModel } from "./model.js";
export { copyModel, fitsGraph, pixelFeeds, pixelsModel, pixelsName, withPixels } from "./pixels.js";
