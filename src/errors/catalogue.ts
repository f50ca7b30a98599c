import { armErrors } from "./catalogue/arm.js";
import { bagErrors } from "./catalogue/bags.js";
import { calibrationErrors } from "./catalogue/calibration.js";
import { consoleErrors } from "./catalogue/console.js";
import { generalErrors } from "./catalogue/general.js";
import { inputErrors } from "./catalogue/input.js";
import { modelErrors } from "./catalogue/models.js";
import { rosErrors } from "./catalogue/ros.js";
import type { CatalogueEntry } from "./entry.js";

/** The parts of the catalogue by subject; the generated docs page has a section for each. */
export const sections = {
  "Every command": generalErrors,
  "Queries, images, depth": inputErrors,
  Models: modelErrors,
  "Recorded bags": bagErrors,
  "ROS 2 node": rosErrors,
  "Grasps and the arm": armErrors,
  Calibration: calibrationErrors,
  Console: consoleErrors,
} as const satisfies Readonly<Record<string, Readonly<Record<string, CatalogueEntry>>>>;

/** Every error a user can meet. */
export const catalogue = {
  ...generalErrors,
  ...inputErrors,
  ...modelErrors,
  ...bagErrors,
  ...rosErrors,
  ...armErrors,
  ...calibrationErrors,
  ...consoleErrors,
} as const satisfies Readonly<Record<string, CatalogueEntry>>;

export type ErrorCode = keyof typeof catalogue;
