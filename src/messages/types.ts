import type { Stamp } from "../geometry/index.js";

/** The ROS messages this project reads and writes, as CDR decodes them, with the fields of their definitions. */

export interface Time {
  readonly sec: number;
  readonly nanosec: number;
}

/** std_msgs/msg/Header */
export interface Header {
  readonly stamp: Time;
  readonly frame_id: string;
}

/** std_msgs/msg/String */
export interface StringMessage {
  readonly data: string;
}

/** sensor_msgs/msg/Image */
export interface ImageMessage {
  readonly header: Header;
  readonly height: number;
  readonly width: number;
  readonly encoding: string;
  readonly is_bigendian: number;
  /** Bytes from one row to the next. */
  readonly step: number;
  readonly data: Uint8Array;
}

/** sensor_msgs/msg/CompressedImage; `format` as image_transport writes it, e.g. `rgb8; jpeg compressed bgr8`. */
export interface CompressedImageMessage {
  readonly header: Header;
  readonly format: string;
  readonly data: Uint8Array;
}

/** sensor_msgs/msg/RegionOfInterest */
export interface RegionOfInterest {
  readonly x_offset: number;
  readonly y_offset: number;
  readonly height: number;
  readonly width: number;
  readonly do_rectify: boolean;
}

/** sensor_msgs/msg/CameraInfo */
export interface CameraInfoMessage {
  readonly header: Header;
  readonly height: number;
  readonly width: number;
  readonly distortion_model: string;
  readonly d: ArrayLike<number>;
  /** 3×3, row-major. */
  readonly k: ArrayLike<number>;
  readonly r: ArrayLike<number>;
  /** 3×4, row-major. */
  readonly p: ArrayLike<number>;
  readonly binning_x: number;
  readonly binning_y: number;
  readonly roi: RegionOfInterest;
}

/** sensor_msgs/msg/JointState: radians (metres for prismatic joints), per second, newton metres (newtons). */
export interface JointStateMessage {
  readonly header: Header;
  readonly name: readonly string[];
  readonly position: ArrayLike<number>;
  readonly velocity: ArrayLike<number>;
  readonly effort: ArrayLike<number>;
}

export interface Vector3Message {
  readonly x: number;
  readonly y: number;
  readonly z: number;
}

export interface QuaternionMessage extends Vector3Message {
  readonly w: number;
}

/** geometry_msgs/msg/Pose */
export interface PoseMessage {
  readonly position: Vector3Message;
  readonly orientation: QuaternionMessage;
}

/** geometry_msgs/msg/PoseArray */
export interface PoseArrayMessage {
  readonly header: Header;
  readonly poses: readonly PoseMessage[];
}

/** geometry_msgs/msg/TransformStamped */
export interface TransformStampedMessage {
  readonly header: Header;
  readonly child_frame_id: string;
  readonly transform: { readonly translation: Vector3Message; readonly rotation: QuaternionMessage };
}

/** tf2_msgs/msg/TFMessage */
export interface TfMessage {
  readonly transforms: readonly TransformStampedMessage[];
}

/** vision_msgs/msg/Detection2D (version 4) */
export interface Detection2DMessage {
  readonly header: Header;
  readonly results: readonly {
    readonly hypothesis: { readonly class_id: string; readonly score: number };
    readonly pose: { readonly pose: PoseMessage; readonly covariance: ArrayLike<number> };
  }[];
  /** Centre and full size, in pixels. */
  readonly bbox: {
    readonly center: {
      readonly position: { readonly x: number; readonly y: number };
      readonly theta: number;
    };
    readonly size_x: number;
    readonly size_y: number;
  };
  readonly id: string;
}

/** vision_msgs/msg/Detection2DArray (version 4) */
export interface Detection2DArrayMessage {
  readonly header: Header;
  readonly detections: readonly Detection2DMessage[];
}

/** std_msgs/msg/ColorRGBA, and foxglove's Color: 0..1. */
export interface ColorMessage {
  readonly r: number;
  readonly g: number;
  readonly b: number;
  readonly a: number;
}

/** visualization_msgs/msg/Marker, without the fields of Jazzy that are left at their defaults. */
export interface MarkerMessage {
  readonly header: Header;
  readonly ns: string;
  readonly id: number;
  readonly type: number;
  readonly action: number;
  readonly pose: PoseMessage;
  readonly scale: Vector3Message;
  readonly color: ColorMessage;
  readonly lifetime: Time;
  readonly frame_locked?: boolean;
  readonly points?: readonly Vector3Message[];
  readonly colors?: readonly ColorMessage[];
  readonly text?: string;
}

/** visualization_msgs/msg/MarkerArray */
export interface MarkerArrayMessage {
  readonly markers: readonly MarkerMessage[];
}

export interface Point2Message {
  readonly x: number;
  readonly y: number;
}

/** foxglove_msgs/msg/PointsAnnotation; type 2 is a closed line. */
export interface PointsAnnotationMessage {
  readonly timestamp: Time;
  readonly type: number;
  readonly points: readonly Point2Message[];
  readonly outline_color: ColorMessage;
  readonly outline_colors: readonly ColorMessage[];
  readonly fill_color: ColorMessage;
  readonly thickness: number;
}

/** foxglove_msgs/msg/TextAnnotation */
export interface TextAnnotationMessage {
  readonly timestamp: Time;
  readonly position: Point2Message;
  readonly text: string;
  readonly font_size: number;
  readonly text_color: ColorMessage;
  readonly background_color: ColorMessage;
}

/** foxglove_msgs/msg/ImageAnnotations; circles are not used here. */
export interface ImageAnnotationsMessage {
  readonly circles: readonly [];
  readonly points: readonly PointsAnnotationMessage[];
  readonly texts: readonly TextAnnotationMessage[];
}

export const stampOf = (time: Time): Stamp => BigInt(time.sec) * 1_000_000_000n + BigInt(time.nanosec);

/** Seconds are cut to 32 bits, as builtin_interfaces/Time has them. */
export const timeOf = (stamp: Stamp): Time => ({
  sec: Number(BigInt.asIntN(32, stamp / 1_000_000_000n)),
  nanosec: Number(stamp % 1_000_000_000n),
});
