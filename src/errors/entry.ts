/**
 * Level of an error in ROS diagnostics, by diagnostic_msgs/DiagnosticStatus: `warn` for an error that the caller can
 * avoid with another request, `stale` for data that stopped coming, `error` for a part that does not work.
 */
export type DiagnosticLevel = "warn" | "error" | "stale";

/**
 * An error that a user can meet: its message, its usual cause, the remedy, and how each surface reports it.
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

/** An entry with the usual values: exit code 1, HTTP status 500, level `error`. */
export const entry = (
  given: Pick<CatalogueEntry, "message" | "cause" | "remedy"> & Partial<CatalogueEntry>,
): CatalogueEntry => ({ exitCode: 1, httpStatus: 500, level: "error", ...given });
