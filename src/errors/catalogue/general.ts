import { type CatalogueEntry, entry } from "../entry.js";

/** Errors of what every command can meet: usage, files, data sets. */
export const generalErrors = {
  INTERNAL: entry({
    message: "unexpected failure: {detail}",
    cause: "a fault of this program, or a failure of the system that nothing here foresaw",
    remedy: "run again with --verbose and report what it prints",
  }),
  BENCH_PEER: entry({
    message: "the bench's peer {script} {what}",
    cause:
      "Python or the packages that benches compare with are missing; they are test dependencies of a checkout",
    remedy:
      "run `npm test` once in a checkout, or set GRASP_GROUNDING_PYTHON to an interpreter that has test/requirements.txt",
  }),
  USAGE: entry({
    message: "{detail}",
    cause: "an option, an argument or a request that is not known or out of range",
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
    cause: "no permission, a folder where a file is wanted, or a failing disk",
    remedy: "check permissions and that it is a regular file",
  }),
  OUTPUT_UNWRITABLE: entry({
    message: "{path}: cannot be written ({detail})",
    cause: "a missing folder, no permission, or a full disk",
    remedy: "check that the folder exists, is writable and has room",
  }),
  DATASET_INVALID: entry({
    message: "{path}:{line}: {detail}",
    cause:
      "a line that is no JSON, lacks a field, has a box that cannot be or points to a file that is not there",
    remedy: "each line is {image, query, box (x1, y1, x2, y2 in pixels) or mask or absent}",
    httpStatus: 422,
  }),
  METRICS_ENDPOINT: entry({
    message: "metrics cannot be served on {endpoint} ({detail})",
    cause: "another program uses the port, or the address is not this machine's",
    remedy: "give another HOST:PORT",
  }),
} as const satisfies Record<string, CatalogueEntry>;
