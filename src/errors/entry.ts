/**
 * How an error shows in ROS diagnostics, by diagnostic_msgs/DiagnosticStatus: `warn` for what whoever asked can mend by asking
 * otherwise, `stale` for data that stopped coming, `error` for what keeps a part from working.
 */
export type DiagnosticLevel = "warn" | "error" | "stale";

/**
 * An error a user can meet: what happened, why it usually does, what to do about it, and how each surface reports it.
 * `{name}` in a message or remedy is filled from the error's details.
 */
export interface CatalogueEntry {
  readonly message: string;
  /** The usual reason, without details of the case: for the docs page. */
  readonly cause: string;
  readonly remedy: string;
  /** Exit code of the command line: 1 failed, 2 wrong usage, 3 partial result. */
  readonly exitCode: 1 | 2 | 3;
  /** Status of the HTTP interfaces. */
  readonly httpStatus: number;
  readonly level: DiagnosticLevel;
}

/** An entry with what most have: exit code 1, HTTP status 500, level `error`. */
export const entry = (
  given: Pick<CatalogueEntry, "message" | "cause" | "remedy"> & Partial<CatalogueEntry>,
): CatalogueEntry => ({ exitCode: 1, httpStatus: 500, level: "error", ...given });
