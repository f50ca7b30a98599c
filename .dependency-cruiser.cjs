// The direction of dependencies as docs/architecture.md draws it; `npm run deps` and a test hold it.
const layer = (name) => `^src/${name}/`;
const only = (name, ...allowed) => ({
  name: `${name}-imports`,
  severity: "error",
  comment: `src/${name} may import, of this project, only: ${["errors", name, ...allowed].join(", ")}`,
  from: { path: layer(name) },
  to: { path: "^src/", pathNot: ["errors", name, ...allowed].map(layer) },
});

const bridgeParts = [
  "geometry",
  "messages",
  "grounding",
  "inference",
  "grasping",
  "arm",
  "calibration",
  "bags",
];

module.exports = {
  forbidden: [
    { name: "no-circular", severity: "error", from: {}, to: { circular: true } },
    {
      name: "geometry-is-pure",
      severity: "error",
      from: { path: layer("geometry") },
      to: { path: ["^src/", "node_modules"], pathNot: layer("geometry") },
    },
    only("errors"),
    only("net"),
    only("metrics"),
    only("messages", "geometry"),
    only("inference", "geometry", "metrics"),
    only("grounding", "geometry", "inference"),
    only("model-store", "grounding", "net"),
    only("proposals", "geometry", "grounding", "inference"),
    only("grasping", "geometry"),
    only("learned-grasps", "geometry", "grasping", "grounding", "inference"),
    only("arm", "geometry"),
    only("calibration", "geometry"),
    only("bags", "geometry", "messages", "net"),
    only("bridge", ...bridgeParts),
    only("ros", "bridge", "metrics", ...bridgeParts),
    only("console", "bridge", "metrics", ...bridgeParts),
    {
      name: "inference-serves-grounding",
      severity: "error",
      comment: "tensors are run for grounding; the composition roots may construct a back end",
      from: {
        path: "^src/",
        pathNot: [
          "^src/index",
          ...["inference", "grounding", "proposals", "learned-grasps", "bench", "bridge", "cli"].map(layer),
        ],
      },
      to: { path: layer("inference") },
    },
    {
      name: "rclnodejs-in-ros",
      severity: "error",
      from: { path: "^src/", pathNot: layer("ros") },
      to: { path: "rclnodejs" },
    },
    {
      name: "cli-is-the-top",
      severity: "error",
      from: { path: "^src/", pathNot: layer("cli") },
      to: { path: layer("cli") },
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
