/** Overlap of boxes (IoU) from which two detections, of one image or of images in a row, are of one object. */
export const sameObject = 0.4;
