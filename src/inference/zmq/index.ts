/** Workers over ZeroMQ: the worker's server, and the back end that distributes requests among workers. */
export { ZmqBackend, type ZmqOptions } from "./backend.js";
export { states as workerStates } from "./protocol.js";
export {
  keyFileText,
  newKeyPair,
  publicKeyOf,
  readKeyFile,
  readPublicKeys,
} from "./security.js";
export { WorkerServer } from "./server.js";
