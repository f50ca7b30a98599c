import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of every command: usage, files, data sets. */
export const generalErrors = {
  INTERNAL: entry({
    message: "unexpected failure: {detail}",
    cause: "a fault of this program, or an unforeseen failure of the system",
    remedy: "run again with --verbose and report its output",
  }),
  BENCH_REFERENCE: entry({
    message: "the bench's reference {script} {what}",
    cause:
      "Python or the packages of the reference implementations are missing; they are test dependencies of a checkout",
    remedy:
      "run `npm test` once in a checkout, or set GRASP_GROUNDING_PYTHON to an interpreter with the packages of test/requirements.txt",
  }),
  USAGE: entry({
    message: "{detail}",
    cause: "an option, an argument or a request is unknown or out of range",
    remedy: "see `grasp-grounding --help`",
    exitCode: 2,
    httpStatus: 400,
    level: "warn",
  }),
  FILE_MISSING: entry({
    message: "{path}: no such file or folder",
    cause: "a wrong path, or a path relative to another folder",
    remedy: "check the path",
    httpStatus: 404,
  }),
  FILE_UNREADABLE: entry({
    message: "{path}: cannot be read ({detail})",
    cause: "no permission, a folder in place of a file, or a failing disk",
    remedy: "check permissions and that it is a regular file",
  }),
  OUTPUT_UNWRITABLE: entry({
    message: "{path}: cannot be written ({detail})",
    cause: "a missing folder, no permission, or a full disk",
    remedy: "check that the folder exists, is writable and has free space",
  }),
  DATASET_INVALID: entry({
    message: "{path}:{line}: {detail}",
    cause: "a line is not JSON, lacks a field, has an impossible box or names a missing file",
    remedy: "write each line as {image, query, box (x1, y1, x2, y2 in pixels) or mask or absent}",
    httpStatus: 422,
  }),
  METRICS_ENDPOINT: entry({
    message: "metrics cannot be served on {endpoint} ({detail})",
    cause: "another program uses the port, or the address is not this machine's",
    remedy: "give another HOST:PORT",
  }),
} as const satisfies Record<string, CatalogueEntry>;
