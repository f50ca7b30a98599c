// The order of the site: pages by their path in the repository, each with a short name where its title is long.

export const sections = [
  {
    text: "Guide",
    items: [
      ["docs/guide/first-grasp.md"],
      ["docs/guide/your-robot.md", "Your own robot"],
      ["docs/guide/choose-a-model.md"],
      ["docs/guide/your-model.md"],
      ["docs/guide/library.md"],
      ["docs/guide/troubleshooting.md"],
    ],
  },
  {
    text: "Use",
    items: [
      ["docs/language.md"],
      ["docs/grasping.md", "Grasps"],
      ["docs/replay.md", "Replay"],
      ["docs/console.md", "Console"],
      ["docs/calibration.md"],
      ["calibration/README.md"],
      ["docs/inference.md", "Inference"],
      ["docs/simulation.md", "Simulated cell"],
      ["docs/safety.md"],
      ["docs/security.md"],
    ],
  },
  {
    text: "Reference",
    items: [
      ["docs/ros-api.md"],
      ["docs/ros-parameters.md", "ROS 2 parameters"],
      ["docs/options.md", "Options"],
      ["docs/errors.md"],
      ["docs/metrics.md"],
      ["docs/performance.md"],
    ],
  },
  {
    text: "Models",
    items: [
      ["docs/model-card.md"],
      ["docs/model-families.md"],
      ["models/export/README.md"],
      ["models/lite/ATTRIBUTION.md", "Attribution of lite"],
      ["demo/ATTRIBUTION.md", "Attribution of the demo"],
    ],
  },
  {
    text: "Project",
    items: [
      ["docs/architecture.md"],
      ["CONTRIBUTING.md"],
      ["docs/releasing.md"],
      ["CHANGELOG.md"],
      ["MIGRATION.md"],
      ["docs/licences.md", "Licences"],
    ],
  },
];

/** Pages of a folder that belong to a section without being named above: the section's items and then these. */
export const folders = [{ text: "Decisions", folder: "docs/decisions" }];
