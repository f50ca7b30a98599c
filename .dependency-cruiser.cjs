// The direction of dependencies as docs/architecture.md draws it; `npm run deps` and a test hold it.
const room = (name) => `^src/${name}/`;
/** What every room but geometry may use. */
const everywhere = ["errors", "geometry"];
const only = (name, ...allowed) => ({
  name: `${name.replaceAll("/", "-")}-imports`,
  severity: "error",
  comment: `src/${name} may import, of this project, only: ${[name, ...everywhere, ...allowed].join(", ")}`,
  from: { path: room(name) },
  to: { path: "^src/", pathNot: [name, ...everywhere, ...allowed].map(room) },
});

/** The rooms below the pipeline, and the pipeline itself. */
const below = ["messages", "inference", "grounding", "grasping", "model-store", "system", "metrics"];
const surfaces = [...below, "pipeline", "visualization", "bags", "arm", "calibration", "workers"];

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "geometry-is-pure",
      severity: "error",
      from: { path: room("geometry") },
      to: { path: ["^src/", "node_modules"], pathNot: room("geometry") },
    },
    {
      name: "errors-imports",
      severity: "error",
      from: { path: room("errors") },
      to: { path: "^src/", pathNot: room("errors") },
    },
    only("net"),
    only("metrics", "system"),
    only("system"),
    only("workers", "system"),
    only("messages"),
    only("inference", "metrics", "workers"),
    only("grounding", "inference"),
    only("grasping/geometric", "grasping"),
    only("grasping", "grounding", "inference"),
    only("model-store", "grounding", "grasping", "net", "system"),
    only("arm"),
    only("calibration"),
    only("bags", "messages", "net", "workers"),
    only("pipeline", ...below),
    only("visualization", ...below, "pipeline"),
    only("report", "visualization", "pipeline", "grounding", "workers"),
    only("replay", ...surfaces, "report", "ros"),
    only("evaluation", ...surfaces, "report"),
    only("ros", ...surfaces),
    only("console", ...surfaces),
    {
      name: "inference-serves-grounding",
      severity: "error",
      comment: "tensors run for grounding and grasping; the pipeline and commands construct a back end",
      from: {
        path: "^src/",
        pathNot: [
          "^src/index",
          ...["inference", "grounding", "grasping/learned", "pipeline", "cli"].map(room),
        ],
      },
      to: { path: room("inference") },
    },
    {
      name: "rclnodejs-in-ros",
      severity: "error",
      from: { path: "^src/", pathNot: room("ros") },
      to: { path: "rclnodejs" },
    },
    {
      name: "cli-is-the-top",
      severity: "error",
      from: { path: "^src/", pathNot: room("cli") },
      to: { path: room("cli") },
    },
    {
      name: "src-stands-alone",
      severity: "error",
      comment: "the product imports no test, benchmark, script or simulation",
      from: { path: "^src/" },
      to: { path: ["^test/", "^bench/", "^scripts/", "^simulation/"] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js"],
      conditionNames: ["import", "require", "node", "default"],
    },
  },
};
