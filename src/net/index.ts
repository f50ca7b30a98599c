/** HTTP as every part of the program asks: by the environment's proxy, with a limit on silence. */
export { follow, Refused } from "./follow.js";
export { proxyFor } from "./get.js";
