/** Worker threads: where their compiled modules lie, the one client that sends them requests, and a pool of clients. */
export { compiledModule } from "./compiled-module.js";
export { type Reply, reportStarted, reportStartFailure, sendEvent, serve } from "./serve.js";
export { WorkerClient, WorkerEndedError, WorkerRequestError } from "./worker-client.js";
export { WorkerPool } from "./worker-pool.js";
