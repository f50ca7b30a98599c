// Adds `workerData.more` to a number; { fail } is refused, { die } kills the thread, { wait } answers when it is cancelled.
// `workerData.refuse` fails the start, `workerData.stuck` delays the close by a minute.
import { threadId, workerData } from "node:worker_threads";
import { reportStarted, reportStartFailure, sendEvent, serve } from "../../../dist/src/workers/index.js";

let answered = 0;
if (workerData.refuse) reportStartFailure(new Error("no model"));
else {
  reportStarted({ threadId });
  serve(
    (body, signal) => {
      if (body.die) process.exit(body.die);
      if (body.throwLater)
        setImmediate(() => {
          throw new Error(body.throwLater);
        });
      if (body.fail) throw Object.assign(new Error(body.fail), { code: "SOME_CODE" });
      if (body.event) sendEvent(body.event);
      if (body.bytes) return { value: body.bytes, transfer: [body.bytes.buffer] };
      if (body.wait || body.throwLater)
        return new Promise((resolve) => {
          signal.addEventListener("abort", () => resolve({ value: "cancelled" }));
        });
      return { value: { number: body.number + workerData.more, threadId, answered: ++answered } };
    },
    {
      toFailure: ({ message, code }) => ({ message, code }),
      onClose: async () => {
        if (workerData.stuck) await new Promise((resolve) => setTimeout(resolve, 60_000));
        sendEvent("closed by itself");
      },
    },
  );
}
