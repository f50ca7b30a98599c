import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of queries, images, messages, depth and cameras. */
export const inputErrors = {
  QUERY_EMPTY: entry({
    message: "the query is empty",
    cause: "a query of spaces only",
    remedy: 'say what to find, e.g. --query "the red mug"',
    exitCode: 2,
    httpStatus: 400,
    level: "warn",
  }),
  QUERY_TOO_LONG: entry({
    message: "the query has {length} characters; the limit is {limit}",
    cause: "text pasted or sent by a program in place of a query",
    remedy: "shorten it to one phrase that names the object",
    exitCode: 2,
    httpStatus: 400,
    level: "warn",
  }),
  QUERY_CONTROL: entry({
    message: "the query holds control characters",
    cause: "a query in another encoding, or binary data",
    remedy: "send plain text in UTF-8",
    exitCode: 2,
    httpStatus: 400,
    level: "warn",
  }),
  TRANSLATION_FAILED: entry({
    message: "{url}: the query could not be translated ({detail})",
    cause: "the translation server does not run, does not know the language, or speaks another protocol",
    remedy: "start it, or ask in English; docs/language.md says what it has to answer",
    httpStatus: 502,
  }),
  IMAGE_UNREADABLE: entry({
    message: "{path}: not an image that can be decoded ({detail})",
    cause: "a damaged file, or an unsupported format",
    remedy: "use a PNG, JPEG, WebP or TIFF file",
    httpStatus: 422,
  }),
  IMAGE_TOO_SMALL: entry({
    message: "{path}: {width}×{height} pixels is too small",
    cause: "a thumbnail or a test image",
    remedy: "use an image of at least {limit} pixels a side",
    httpStatus: 422,
    level: "warn",
  }),
  IMAGE_TOO_LARGE: entry({
    message: "{path}: {width}×{height} pixels is too large",
    cause: "a scan or a stitched image, or a header with wrong sizes",
    remedy: "scale it down to at most {limit} pixels a side",
    httpStatus: 422,
    level: "warn",
  }),
  IMAGE_TURNED: entry({
    message: "{path}: its EXIF data turns it (orientation {orientation}), and depth and camera would not fit",
    cause: "a photo app that stores the pixels as the sensor has them and the orientation apart",
    remedy: "store it as the depth camera sees it, without an orientation",
    httpStatus: 422,
  }),
  IMAGE_ENCODING: entry({
    message: "image encoding {encoding} is not supported",
    cause: "the camera driver publishes an encoding that is not implemented",
    remedy: "publish one of: {supported}",
    httpStatus: 422,
  }),
  IMAGE_LAYOUT: entry({
    message: "image of {width}×{height} {encoding} is malformed: {detail}",
    cause: "width, height, step and data of the message contradict each other",
    remedy: "check the driver that publishes it",
    httpStatus: 422,
  }),
  MESSAGE_TYPE: entry({
    message: "messages of type {type} cannot be read ({detail})",
    cause: "a recording without message definitions, and a type that is not built in",
    remedy: "record them with their definition (MCAP does), or omit the topic",
    httpStatus: 422,
  }),
  MESSAGE_MALFORMED: entry({
    message: "message is not a valid {type} ({detail})",
    cause: "a damaged recording, or a publisher built against another version of the type",
    remedy: "check the publisher",
    httpStatus: 422,
  }),
  DEPTH_SIZE: entry({
    message: "depth is {depth} but colour is {colour}",
    cause: "the depth is not registered to the colour camera",
    remedy: "use depth aligned to colour (aligned_depth_to_color)",
    httpStatus: 422,
  }),
  DEPTH_WITHOUT_CAMERA: entry({
    message: "there is depth but no camera info",
    cause: "the camera info topic was not recorded, or --camera is missing",
    remedy: "record or pass the camera info too; without it depth has no metric meaning",
  }),
  DEPTH_EMPTY: entry({
    message: "no valid depth {where}",
    cause: "glass, mirrors, black surfaces, or an object nearer than the sensor's minimum distance",
    remedy: "check the depth sensor: it reads reflective, dark or too near surfaces as zero",
    level: "warn",
  }),
  CAMERA_INVALID: entry({
    message: "camera info is not usable: {detail}",
    cause: "an uncalibrated camera publishes zeros, or a distortion that cannot be computed with",
    remedy: "calibrate the camera or check its driver",
    httpStatus: 422,
  }),
  CAMERA_SIZE: entry({
    message: "camera info is for {camera} pixels but the image has {image}",
    cause: "a calibration of another resolution or of another camera",
    remedy:
      "use the calibration of this resolution; `ground --scale-camera` scales one of the same proportions",
    httpStatus: 422,
  }),
  DEPTH_FORMAT: entry({
    message: "{path}: not a depth image that can be measured with ({detail})",
    cause: "a colour or colour-mapped image, a lossy or an 8-bit one in place of depth",
    remedy:
      "use one channel: 16-bit PNG or TIFF in millimetres, or float TIFF in metres; --depth-scale names another unit",
    httpStatus: 422,
  }),
  DEPTH_UNIT: entry({
    message: "float depth does not look like metres: near surfaces have values of about {value}",
    cause: "a driver or tool that writes millimetres into 32-bit floats, which are metres by REP-118",
    remedy: "publish metres, or 16UC1 for millimetres; for a file pass --depth-scale 0.001",
    httpStatus: 422,
  }),
  DEPTH_UNREGISTERED: entry({
    message: "depth is not aligned to colour ({difference}) and cannot be registered: {detail}",
    cause: "depth in the depth camera's own frame, without what relates it to the colour camera",
    remedy:
      "record aligned depth, or /tf_static and both camera infos; --depth-registered says that it is aligned, --no-depth leaves it out",
    httpStatus: 422,
  }),
} as const satisfies Record<string, CatalogueEntry>;
