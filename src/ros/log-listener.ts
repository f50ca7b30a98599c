import type { NodeObserver } from "./observer.js";
import type { Rcl, RclNode } from "./rcl.js";
import { makeQos } from "./topics/qos.js";

/** Hands lines of /rosout to an observer: the node's own from level info on, those of others from warn on. */
export function listenToLog(rcl: Rcl, node: RclNode, observer: NodeObserver): void {
  const own = node.getFullyQualifiedName().slice(1).replaceAll("/", ".");
  node.createSubscription(
    "rcl_interfaces/msg/Log",
    "/rosout",
    { qos: makeQos(rcl, 50, "reliable") },
    ({ level, name, msg }: { level: number; name: string; msg: string }) => {
      // rcl_interfaces/msg/Log: 20 info, 30 warn, 40 error, 50 fatal
      const mine = name === own;
      if (level < (mine ? 20 : 30)) return;
      const severity = level >= 40 ? "error" : level >= 30 ? "warn" : "info";
      observer.log(severity, mine ? msg : `${name}: ${msg}`);
    },
  );
}
