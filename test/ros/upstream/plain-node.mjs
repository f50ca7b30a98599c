// A lifecycle node of rclnodejs alone, without this project's guards: node plain-node.mjs [--ros-args …]
import rclnodejs from "rclnodejs";

await rclnodejs.init(undefined, [process.argv[0], "plain", ...process.argv.slice(2)]);
const { LifecycleNode } = rclnodejs.lifecycle;
const node = new LifecycleNode("grasp_grounding");
const { PARAMETER_DOUBLE } = rclnodejs.ParameterType;
const descriptor = new rclnodejs.ParameterDescriptor(
  "rate",
  PARAMETER_DOUBLE,
  "a number",
  false,
  new rclnodejs.FloatingPointRange(0, 10, 0),
);
try {
  node.declareParameter(new rclnodejs.Parameter("rate", PARAMETER_DOUBLE, 1.5), descriptor);
  process.stdout.write(`rate ${node.getParameter("rate").value}\n`);
} catch (error) {
  process.stdout.write(`refused: ${error.message}\n`);
}
node.createSubscription("std_msgs/msg/String", "~/query", () => {});
setInterval(() => process.stdout.write(`time ${node.now().nanoseconds}\n`), 200);
node.spin();
process.stdout.write("ready\n");
