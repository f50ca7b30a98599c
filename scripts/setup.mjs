// `npm run setup`: packages and the compiled program, as `npm start` and `npm test` make them.
import { setUp } from "./lib/setup.mjs";

if (process.env.GRASP_GROUNDING_SETUP === "skip")
  process.stderr.write("set-up: nothing was done, because GRASP_GROUNDING_SETUP is skip; unset it\n");
await setUp();
