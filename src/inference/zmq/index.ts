/** Workers over ZeroMQ: the server a worker runs, and the back end that shares requests out among workers. */
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
