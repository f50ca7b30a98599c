#!/usr/bin/env node
// Writes the SROS2 policy of least privilege from what the node has in the live ROS graph:
//   npm run ros:policy -- [--arm] [--out FILE] [--ros-args -r camera/color/image_raw:=/my/camera …]
// The node is started once for each setting of the camera, with --arm for each setting of the arm too, and the policy allows
// what it had in any of them.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "./paths.mjs";

const argv = process.argv.slice(2);
const option = (name) => {
  const at = argv.indexOf(name);
  return at < 0 ? undefined : argv.splice(at, 2)[1];
};
const arm = argv.includes("--arm");
if (arm) argv.splice(argv.indexOf("--arm"), 1);
const file = arm ? "grasp_grounding_arm.policy.xml" : "grasp_grounding.policy.xml";
const out = option("--out") ?? join(repository, "launch", "security", file);
const rosArgs = argv.filter((word) => word !== "--ros-args");

const settings = [
  [],
  ["-p", "image_transport:=compressed", "-p", "depth_transport:=compressedDepth"],
  ["-p", "depth_registered:=false"],
];
if (arm) settings.splice(0, 1, ["-p", "arm:=action"], ["-p", "arm:=topic"]);
/** One joint: the node takes an arm once it has heard which one, and where it stands. */
const robot = `<robot name="any"><link name="base_link"/><link name="tool"/><joint name="joint" type="revolute">
    <parent link="base_link"/><child link="tool"/><axis xyz="0 0 1"/><limit lower="-1" upper="1" velocity="1" effort="1"/>
  </joint></robot>`;
const name = "grasp_grounding";

process.env.ROS_DOMAIN_ID ??= String(20 + (process.pid % 180));
process.env.ROS_AUTOMATIC_DISCOVERY_RANGE ??= "LOCALHOST";
const { default: rcl } = await import("rclnodejs");
await rcl.init();
const observer = new rcl.Node("policy_writer");
observer.spin();
const driver = arm ? describeRobot() : undefined;

const graph = { publish: new Set(), subscribe: new Set(), reply: new Set(), request: new Set() };
for (const setting of settings) await observe(setting);
clearInterval(driver);
rcl.shutdown();

const policy = toPolicy(graph);
writeFileSync(out, policy);
process.stdout.write(`wrote ${out}\n`);

async function observe(setting) {
  const node = spawn(
    process.execPath,
    [join(repository, "bin", "grasp-grounding.mjs"), "node", "--ros-args", ...setting, ...rosArgs],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  let ended = false;
  node.once("exit", () => {
    ended = true;
  });
  try {
    const end = Date.now() + 60_000;
    let size = 0;
    let still = 0;
    // Done when the node is there and what it has did not change for two seconds.
    while (still < 8) {
      if (ended || Date.now() > end) throw new Error(`the node did not come up with ${setting.join(" ")}`);
      await new Promise((resolve) => setTimeout(resolve, 250));
      const now = read();
      still = now === size && now > 0 ? still + 1 : 0;
      size = now;
    }
  } finally {
    node.kill("SIGINT");
    if (!ended) await new Promise((resolve) => node.once("exit", resolve));
  }
}

/** What a robot's driver says: which robot it is, and where it stands. */
function describeRobot() {
  const { DurabilityPolicy, HistoryPolicy, ReliabilityPolicy } = rcl.QoS;
  const latched = new rcl.QoS(
    HistoryPolicy.RMW_QOS_POLICY_HISTORY_KEEP_LAST,
    1,
    ReliabilityPolicy.RMW_QOS_POLICY_RELIABILITY_RELIABLE,
    DurabilityPolicy.RMW_QOS_POLICY_DURABILITY_TRANSIENT_LOCAL,
  );
  const description = observer.createPublisher("std_msgs/msg/String", "robot_description", { qos: latched });
  description.publish({ data: robot });
  const joints = observer.createPublisher("sensor_msgs/msg/JointState", "joint_states");
  return setInterval(() => {
    const nanoseconds = observer.now().nanoseconds;
    const stamp = {
      sec: Number(nanoseconds / 1_000_000_000n),
      nanosec: Number(nanoseconds % 1_000_000_000n),
    };
    joints.publish({
      header: { stamp, frame_id: "" },
      name: ["joint"],
      position: [0],
      velocity: [0],
      effort: [],
    });
  }, 50);
}

/** Takes in what the node has now; how much that is. */
function read() {
  const ask = (method) => {
    try {
      return observer[method](name, "/").map((each) => each.name);
    } catch {
      return []; // not discovered yet
    }
  };
  const found = {
    publish: ask("getPublisherNamesAndTypesByNode"),
    subscribe: ask("getSubscriptionNamesAndTypesByNode"),
    reply: ask("getServiceNamesAndTypesByNode"),
    request: ask("getClientNamesAndTypesByNode"),
  };
  for (const [key, names] of Object.entries(found)) for (const each of names) graph[key].add(each);
  // A node just discovered shows its own topics before its services, and takes its arm last.
  const armed =
    found.publish.some((each) => each.endsWith("/joint_trajectory")) ||
    found.request.filter((each) => each.endsWith("/_action/send_goal")).length > 1;
  const expected = armed || !found.subscribe.includes("/joint_states");
  return found.publish.includes(`/${name}/grounding`) && expected
    ? Object.values(found).reduce((sum, names) => sum + names.length, 0)
    : 0;
}

function toPolicy({ publish, subscribe, reply, request }) {
  const isAction = (each) => each.includes("/_action/");
  const sorted = (names) => [...names].filter((each) => !isAction(each)).sort();
  const actions = (names) => [
    ...new Set([...names].filter(isAction).map((each) => each.slice(0, each.indexOf("/_action/")))),
  ];
  const both = sorted(publish).filter((each) => subscribe.has(each));
  const list = (tag, item, attributes, names) =>
    names.length === 0
      ? ""
      : `          <${tag} ${attributes}>\n${names.map((each) => `            <${item}>${each}</${item}>\n`).join("")}          </${tag}>\n`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!-- Generated by \`npm run ros:policy\` from the live ROS graph of the node; docs/security.md says how it is used. -->
<policy version="0.2.0">
  <enclaves>
    <enclave path="/${name}">
      <profiles>
        <profile ns="/" node="${name}">
${list("topics", "topic", 'publish="ALLOW" subscribe="ALLOW"', both)}${list(
  "topics",
  "topic",
  'publish="ALLOW"',
  sorted(publish).filter((each) => !subscribe.has(each)),
)}${list(
  "topics",
  "topic",
  'subscribe="ALLOW"',
  sorted(subscribe).filter((each) => !publish.has(each)),
)}${list("services", "service", 'reply="ALLOW"', sorted(reply))}${list("services", "service", 'request="ALLOW"', sorted(request))}${list("actions", "action", 'execute="ALLOW"', actions(reply).sort())}${list("actions", "action", 'call="ALLOW"', actions(request).sort())}        </profile>
      </profiles>
    </enclave>
  </enclaves>
</policy>
`;
}
