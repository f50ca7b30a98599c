// Loaded before the node (node --import): says when an order to stop leaves for the controller, and when this process was
// held up. Times are of the machine's monotonic clock, which Python's time.monotonic() reads too.
import { TrajectoryController } from "../../../dist/src/ros/arm/trajectory-controller.js";

const now = () => Number(process.hrtime.bigint()) / 1e9;
const say = (what, value) => process.stderr.write(`probe ${what} ${value}\n`);

const { stop } = TrajectoryController.prototype;
TrajectoryController.prototype.stop = function () {
  const at = now();
  const answer = stop.call(this);
  say("stop", at);
  return answer;
};

// A loop that is busy spends as much time on the CPU as passes; one that waits for the machine does not.
let last = now();
let spent = performance.eventLoopUtilization();
let cpu = process.cpuUsage();
setInterval(() => {
  const at = now();
  const { user, system } = process.cpuUsage(cpu);
  const { active } = performance.eventLoopUtilization(spent);
  if (at - last > 0.03) say("held-up", `${last} ${at} ${(user + system) / 1e6} ${active / 1e3}`);
  last = at;
  cpu = process.cpuUsage();
  spent = performance.eventLoopUtilization();
}, 5).unref();
