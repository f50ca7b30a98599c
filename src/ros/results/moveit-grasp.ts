import {
  compose,
  invert,
  type Metres,
  matrixFromQuaternion,
  type Stamp,
  type Vec3,
} from "../../geometry/index.js";
import type { Grasp } from "../../grasping/index.js";
import { headerOf, poseMessage } from "../../messages/index.js";
import { gripperMapping, toolOf } from "../arm/arm-model.js";
import type { Parameters } from "../parameters/index.js";

/**
 * moveit_msgs/msg/Grasp of one grasp. Its pose is that of the hand's parent link, as MoveIt defines it: the parameters
 * `tool_offset` and `tool_yaw` lead there from the point between the fingertips. Finger positions need
 * `gripper_joint`. The hand approaches along its z for `approach_distance`, and lifts the object by `lift_height` along
 * z of `target_frame`; without a target frame it retreats along the approach.
 */
export function moveItGrasp(stamp: Stamp, grasp: Grasp, id: string, parameters: Parameters): object {
  const { approach_distance, lift_height, target_frame, gripper_force } = parameters;
  const header = headerOf(stamp, grasp.frame);
  const m = matrixFromQuaternion(grasp.pose.orientation);
  const approach: Vec3 = [m[2]!, m[5]!, m[8]!];
  const back: Vec3 = [-approach[0], -approach[1], -approach[2]];
  const translation = ([x, y, z]: Vec3, distance: Metres) => ({
    direction: { header, vector: { x, y, z } },
    desired_distance: distance,
    min_distance: distance / 2,
  });
  return {
    id,
    pre_grasp_posture: fingersAt(grasp.width, parameters),
    grasp_posture: fingersAt(0, parameters, gripper_force || grasp.force),
    grasp_pose: { header, pose: poseMessage(compose(grasp.pose, invert(toolOf(parameters)))) },
    grasp_quality: grasp.score,
    pre_grasp_approach: translation(approach, approach_distance),
    post_grasp_retreat: translation(target_frame === "" ? back : [0, 0, 1], lift_height),
    post_place_retreat: translation(back, approach_distance),
    max_contact_force: gripper_force || grasp.force || 0,
    allowed_touch_objects: [],
  };
}

/** trajectory_msgs/msg/JointTrajectory of the fingers at a width; empty without `gripper_joint`. */
function fingersAt(width: Metres, parameters: Parameters, force?: number): object {
  const joint = parameters.gripper_joint;
  if (joint === "") return {};
  const { stroke, open, closed } = gripperMapping(parameters);
  const share = Math.min(Math.max(width, 0), stroke) / stroke;
  const point = {
    positions: [closed + (open - closed) * share],
    ...(force !== undefined && { effort: [force] }),
  };
  return { joint_names: [joint], points: [point] };
}
