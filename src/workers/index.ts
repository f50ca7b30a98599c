/** Worker threads: where their compiled programs lie, and the one client that asks them. */
export { compiledModule } from "./compiled-module.js";
