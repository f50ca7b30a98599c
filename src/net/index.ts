/** HTTP as every part of the program asks: by the environment's proxy, with a limit on silence. */
export { get, proxyFor } from "./get.js";
