import { ros2jazzy } from "@foxglove/rosmsg-msgs-common";

/** Definitions of packages that the common set lacks: vision_msgs 4.1 (Jazzy) and foxglove_msgs, fields only. */
const own: Readonly<Record<string, string>> = {
  "vision_msgs/msg/Point2D": "float64 x\nfloat64 y",
  "vision_msgs/msg/Pose2D": "vision_msgs/Point2D position\nfloat64 theta",
  "vision_msgs/msg/BoundingBox2D": "vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y",
  "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score",
  "vision_msgs/msg/ObjectHypothesisWithPose":
    "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose",
  "vision_msgs/msg/Detection2D":
    "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\nvision_msgs/BoundingBox2D bbox\nstring id",
  "vision_msgs/msg/Detection2DArray": "std_msgs/Header header\nvision_msgs/Detection2D[] detections",
  "foxglove_msgs/msg/Color": "float64 r\nfloat64 g\nfloat64 b\nfloat64 a",
  "foxglove_msgs/msg/Point2": "float64 x\nfloat64 y",
  "foxglove_msgs/msg/CircleAnnotation":
    "builtin_interfaces/Time timestamp\nfoxglove_msgs/Point2 position\nfloat64 diameter\nfloat64 thickness\n" +
    "foxglove_msgs/Color fill_color\nfoxglove_msgs/Color outline_color",
  "foxglove_msgs/msg/PointsAnnotation":
    "uint8 UNKNOWN=0\nuint8 POINTS=1\nuint8 LINE_LOOP=2\nuint8 LINE_STRIP=3\nuint8 LINE_LIST=4\n" +
    "builtin_interfaces/Time timestamp\nuint8 type\nfoxglove_msgs/Point2[] points\nfoxglove_msgs/Color outline_color\n" +
    "foxglove_msgs/Color[] outline_colors\nfoxglove_msgs/Color fill_color\nfloat64 thickness",
  "foxglove_msgs/msg/TextAnnotation":
    "builtin_interfaces/Time timestamp\nfoxglove_msgs/Point2 position\nstring text\nfloat64 font_size\n" +
    "foxglove_msgs/Color text_color\nfoxglove_msgs/Color background_color",
  "foxglove_msgs/msg/ImageAnnotations":
    "foxglove_msgs/CircleAnnotation[] circles\nfoxglove_msgs/PointsAnnotation[] points\n" +
    "foxglove_msgs/TextAnnotation[] texts",
};

const separator = `\n${"=".repeat(80)}\n`;
const cache = new Map<string, string>();

/** `pkg/Type` of the full name `pkg/msg/Type`, as message definitions name the types they use. */
export const shortTypeName = (type: string): string => type.replace(/\/(msg|srv|action)\//, "/");

/** The full name `pkg/msg/Type` of either form. */
export const fullTypeName = (type: string): string =>
  /^[^/]+\/[^/]+$/.test(type) ? type.replace("/", "/msg/") : type;

/**
 * The built-in definition of a message type with those of all types it uses, in the concatenated ros2msg form that
 * MCAP files carry (https://mcap.dev/spec/registry#ros2msg), or undefined for a type not known here.
 */
export function builtinDefinition(type: string): string | undefined {
  const name = fullTypeName(type);
  const cached = cache.get(name);
  if (cached !== undefined) return cached;
  const root = body(name);
  if (root === undefined) return undefined;
  const parts = [root];
  const seen = new Set([name]);
  const queue = dependencies(root);
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    if (seen.has(next)) continue;
    seen.add(next);
    const text = body(next);
    if (text === undefined) return undefined;
    parts.push(`MSG: ${shortTypeName(next)}\n${text}`);
    queue.push(...dependencies(text));
  }
  const text = parts.join(separator);
  cache.set(name, text);
  return text;
}

const jazzy = ros2jazzy as unknown as Readonly<Record<string, { readonly definitions: readonly Field[] }>>;

interface Field {
  readonly name: string;
  readonly type: string;
  readonly isArray?: boolean;
  readonly arrayLength?: number;
  readonly arrayUpperBound?: number;
  readonly upperBound?: number;
  readonly isConstant?: boolean;
  readonly valueText?: string;
}

/** builtin_interfaces' two types go by bare names in the common set. */
const builtins: Readonly<Record<string, string>> = {
  "builtin_interfaces/msg/Time": "int32 sec\nuint32 nanosec",
  "builtin_interfaces/msg/Duration": "int32 sec\nuint32 nanosec",
};
const bareNames: Readonly<Record<string, string>> = {
  time: "builtin_interfaces/Time",
  duration: "builtin_interfaces/Duration",
};

function body(name: string): string | undefined {
  const text = own[name] ?? builtins[name];
  if (text !== undefined) return text;
  return jazzy[shortTypeName(name)]?.definitions.map(line).join("\n");
}

function line(field: Field): string {
  let type = bareNames[field.type] ?? field.type;
  if (field.upperBound !== undefined) type += `<=${field.upperBound}`;
  if (field.isConstant === true) return `${type} ${field.name}=${field.valueText ?? ""}`;
  if (field.isArray === true) {
    const bound =
      field.arrayLength ?? (field.arrayUpperBound === undefined ? "" : `<=${field.arrayUpperBound}`);
    type += `[${bound}]`;
  }
  return `${type} ${field.name}`;
}

function dependencies(text: string): string[] {
  const found: string[] = [];
  for (const row of text.split("\n")) {
    const type = row.split(/[\s[<=]/, 1)[0] ?? "";
    if (type.includes("/")) found.push(fullTypeName(type));
  }
  return found;
}
