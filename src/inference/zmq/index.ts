/** Workers over ZeroMQ: the server a worker runs, and the back end that shares requests out among workers. */
export { ZmqBackend, type ZmqOptions } from "./backend.js";
export { protocolVersion, states as workerStates } from "./protocol.js";
export {
  type ClientSecurity,
  checkEndpoint,
  type KeyPair,
  keyFileText,
  newKeyPair,
  publicKeyOf,
  readKeyFile,
  readPublicKeys,
  type ServerSecurity,
} from "./security.js";
export { WorkerServer, type WorkerServerOptions } from "./server.js";
