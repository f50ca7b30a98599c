// `npm start`: set-up, then the demo. Arguments go to the demo: `npm start -- --once`.
import { setUp } from "./lib/setup.mjs";

await setUp();
const { main } = await import("../dist/src/cli/main.js");
process.exitCode = await main(["demo", ...process.argv.slice(2)]);
