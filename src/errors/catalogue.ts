/**
 * Every error a user can meet: what happened, what to do about it, and how each surface reports it.
 * `{name}` in a message is filled from the error's details.
 */
export interface CatalogueEntry {
  readonly message: string;
  readonly remedy: string;
  /** Exit code of the command line: 1 failed, 2 wrong usage, 3 partial result. */
  readonly exitCode: 1 | 2 | 3;
  /** Status of the HTTP interfaces. */
  readonly httpStatus: number;
}

const entry = (
  message: string,
  remedy: string,
  exitCode: 1 | 2 | 3 = 1,
  httpStatus = 500,
): CatalogueEntry => ({
  message,
  remedy,
  exitCode,
  httpStatus,
});

export const catalogue = {
  INTERNAL: entry("unexpected failure: {detail}", "run again with --verbose and report what it prints"),
  USAGE: entry("{detail}", "see `grasp-grounding --help`", 2, 400),

  FILE_MISSING: entry("{path}: no such file or folder", "check the path", 1, 404),
  FILE_UNREADABLE: entry(
    "{path}: cannot be read ({detail})",
    "check permissions and that it is a regular file",
  ),
  OUTPUT_UNWRITABLE: entry(
    "{path}: cannot be written ({detail})",
    "check that the folder exists, is writable and has room",
  ),

  QUERY_EMPTY: entry("the query is empty", 'say what to find, e.g. --query "the red mug"', 2, 400),
  QUERY_TOO_LONG: entry(
    "the query has {length} characters; at most {limit} are read",
    "shorten it to one sentence that names the object",
    2,
    400,
  ),
  QUERY_CONTROL: entry("the query holds control characters", "send plain text in UTF-8", 2, 400),

  IMAGE_UNREADABLE: entry(
    "{path}: not a picture that can be decoded ({detail})",
    "use a PNG, JPEG or WebP file",
    1,
    422,
  ),
  IMAGE_TOO_SMALL: entry(
    "{path}: {width}×{height} pixels is too small",
    "at least {limit} pixels a side are needed",
    1,
    422,
  ),
  IMAGE_TOO_LARGE: entry(
    "{path}: {width}×{height} pixels is too large",
    "at most {limit} pixels a side are read; scale it down",
    1,
    422,
  ),
  IMAGE_ENCODING: entry("image encoding {encoding} is not supported", "publish one of: {supported}", 1, 422),
  IMAGE_LAYOUT: entry(
    "image of {width}×{height} {encoding} is malformed: {detail}",
    "check the driver that publishes it",
    1,
    422,
  ),

  MESSAGE_TYPE: entry(
    "messages of type {type} cannot be read ({detail})",
    "record them with their definition (MCAP does), or leave the topic out",
    1,
    422,
  ),
  MESSAGE_MALFORMED: entry("message is not a valid {type} ({detail})", "check what publishes it", 1, 422),

  DEPTH_SIZE: entry(
    "depth is {depth} but colour is {colour}",
    "use depth aligned to colour (aligned_depth_to_color)",
    1,
    422,
  ),
  DEPTH_WITHOUT_CAMERA: entry(
    "there is depth but no camera info",
    "record or pass the camera info too; without it depth has no metric meaning",
  ),
  DEPTH_EMPTY: entry(
    "no valid depth {where}",
    "check the depth sensor: reflective, dark or too near surfaces read as zero",
  ),
  CAMERA_INVALID: entry(
    "camera info is not usable: {detail}",
    "calibrate the camera or check its driver",
    1,
    422,
  ),

  MODEL_MISSING: entry("model {name} is not installed", "`grasp-grounding models list` shows what is there"),
  MODEL_MANIFEST: entry("{path}: not a valid model manifest ({detail})", "reinstall the model"),
  MODEL_CORRUPT: entry(
    "{path}: SHA-256 is {found} but the manifest says {wanted}",
    "the file is damaged or was changed; reinstall the model",
  ),
  MODEL_MISMATCH: entry(
    "model {name}: {detail}",
    "the files of the model do not belong together; reinstall it",
  ),
  MODEL_EXISTS: entry("model {name} exists already", "choose another --name, or remove {path} first", 1, 409),
  MODEL_SELF_TEST: entry(
    "model {name} fails its self-test: {detail}",
    "it gives other masks here than where it was converted; import it again on this machine, or use its fp32 form",
  ),
  DOWNLOAD_FAILED: entry(
    "{url}: download failed ({detail})",
    "run it again (it goes on where it stopped; HTTPS_PROXY is honoured), or without a network: fetch the file elsewhere and run `grasp-grounding models pull {name} --from FOLDER`",
    1,
    502,
  ),
  DOWNLOAD_CORRUPT: entry(
    "{url}: SHA-256 is {found}, wanted {wanted}",
    "this is not the published file or a damaged copy, and was not kept; fetch it again or use another --from",
    1,
    502,
  ),
  IMPORT_FAILED: entry("import failed: {detail}", "nothing was written"),
  PYTHON_MISSING: entry(
    "no usable Python ({detail})",
    "install Python 3.10 or later with its venv module, or set GRASP_GROUNDING_PYTHON to an interpreter that has the packages of models/export/requirements.txt",
  ),
  PYTHON_PACKAGES: entry(
    "the packages of {list} could not be installed ({detail})",
    "check the network and pip's settings, or set GRASP_GROUNDING_PYTHON to an interpreter that has them",
  ),
  PROVIDER_UNAVAILABLE: entry(
    "execution provider {provider} is not available ({detail})",
    "run `grasp-grounding doctor` to see what is missing",
  ),
  INFERENCE_FAILED: entry("inference failed: {detail}", "run `grasp-grounding models verify {name}`"),

  BAG_MISSING: entry("{path}: no such bag", "give a .mcap or .db3 file, or a rosbag2 folder", 1, 404),
  BAG_FORMAT: entry(
    "{path}: not a rosbag2 recording ({detail})",
    "give an .mcap or .db3 file, or a rosbag2 folder with metadata.yaml",
  ),
  BAG_DAMAGED: entry(
    "{path}: damaged ({detail})",
    "what could be read was used; record again if that is not enough",
    3,
  ),
  BAG_EMPTY: entry("{path}: holds no messages", "record again"),
  BAG_NO_IMAGE: entry("{path}: no image topic found; topics are {topics}", "name one with --colour TOPIC"),
  BAG_TOPIC: entry("{path}: no topic {topic}; topics are {topics}", "name one of these"),
  BAG_TOPIC_TYPE: entry("{path}: topic {topic} holds no {wanted} that can be read", "name another topic"),
  BAG_NOTHING_PAIRED: entry(
    "{path}: no colour and depth frames within {tolerance} s of each other",
    "raise --tolerance, or check the clocks of both streams",
  ),
  BAG_NO_FRAME_AT: entry(
    "{path}: no frame at {at} s; the bag lasts {duration} s",
    "choose a time within the bag",
  ),

  GRASP_NO_DEPTH: entry(
    "a grasp needs depth, and this frame has none",
    "publish aligned depth or pass --depth and --camera",
  ),
  GRASP_NONE: entry(
    "no grasp found: {detail}",
    "move the camera or the object, or check the gripper's parameters",
  ),

  ROS_MISSING: entry(
    "ROS 2 cannot be used: {detail}",
    "source your ROS 2 (`. /opt/ros/jazzy/setup.sh`) or run `npm run ros:setup`, then start again",
  ),
  ROS_PARAMETER: entry("parameter {name} is refused: {detail}", "see docs/ros-parameters.md", 2, 400),
  ROS_CONFIGURE: entry("the node cannot be configured: {detail}", "mend that and start it again"),
  PIPELINE_TIMEOUT: entry(
    "the model did not load within {seconds} s",
    "raise the parameter load_timeout, or check the machine's memory",
  ),
  PIPELINE_ENDED: entry("the pipeline's thread ended ({detail})", "cleanup and configure the node again"),
  NODE_INACTIVE: entry("the node is {state}", "activate it: ros2 lifecycle set {node} {transition}", 1, 503),
  FRAME_TIMEOUT: entry(
    "no answer within {seconds} s: {detail}",
    "check the camera and its topic with `ros2 topic hz {topic}`",
    1,
    504,
  ),
  TF_UNAVAILABLE: entry(
    "no transform from {source} to {target}: {detail}",
    "check that something publishes it: ros2 run tf2_ros tf2_echo {target} {source}",
    1,
    503,
  ),
  ROBOT_DESCRIPTION: entry(
    "the robot description is not usable: {detail}",
    "check it with `check_urdf`, and the parameters that name its links and joints",
    1,
    422,
  ),
  ARM_CONFIG: entry("the arm's settings are not usable: {detail}", "correct the parameter", 2, 400),
  EXECUTE_REFUSED: entry(
    "the motion is refused: {detail}",
    "send the goal without execute to plan only",
    1,
    403,
  ),

  CONSOLE_PORT: entry(
    "the console cannot listen on {host}:{port} ({detail})",
    "stop what uses the port, or choose another with --port",
  ),
  CONSOLE_NEEDS_TOKEN: entry(
    "{host} can be reached from other machines, and no token is set",
    "set GRASP_GROUNDING_OPERATOR_TOKEN or give --token-file, or stay on 127.0.0.1",
    2,
  ),
  CONSOLE_TOKENS: entry(
    "{source}: {detail}",
    "give lines `operator TOKEN` or `viewer TOKEN`, 16 characters or more each",
    2,
  ),
  CONSOLE_TLS: entry(
    "{path}: cannot be used for TLS ({detail})",
    "give --tls-cert and --tls-key as PEM files",
    2,
  ),
  CONSOLE_PAGE_MISSING: entry("the console's page is not built", "run `npm run build:web`"),
  CONSOLE_NO_FRAME: entry("there is no picture yet", "wait for the camera, or play the recording", 1, 409),
  CONSOLE_BUSY: entry("{waiting} questions are waiting already", "ask again when they are answered", 1, 429),
  CONSOLE_NO_RECORDING: entry("the picture is live", "playback works on recordings", 1, 409),
  CONSOLE_ANSWER_GONE: entry("there is no answer {id} with a candidate {candidate}", "ask again", 1, 404),
  ACCESS_TOKEN: entry(
    "the token is wrong or missing",
    "sign in with the token the console was started with",
    1,
    401,
  ),
  ACCESS_ROLE: entry("a viewer may not {what}", "sign in with the operator's token", 1, 403),
  ACCESS_ORIGIN: entry(
    "requests from {origin} are refused",
    "open the console at the address it prints, or name the origin with --allow-origin",
    1,
    403,
  ),
  ACCESS_TOO_MANY: entry("too many wrong tokens or requests", "wait {seconds} s", 1, 429),
  LEASE_HELD: entry("{holder} is in control", "ask for a hand-over", 1, 409),
  LEASE_NOT_YOURS: entry("you are not in control", "take control first", 1, 409),
  ESTOP_LATCHED: entry("the emergency stop is on", "make sure that it is safe, then reset it", 1, 409),

  DATASET_INVALID: entry(
    "{path}:{line}: {detail}",
    "each line is {image, query, box or mask or absent}",
    1,
    422,
  ),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof catalogue;
