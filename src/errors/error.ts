import { catalogue, type ErrorCode } from "./catalogue.js";
import type { CatalogueEntry, DiagnosticLevel } from "./entry.js";

export type ErrorDetails = Readonly<Record<string, string | number>>;

/** An error of the catalogue. `message` is one line: the fault and, after the semicolon, the remedy. */
export class GraspGroundingError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: ErrorOptions) {
    const { message, remedy }: CatalogueEntry = catalogue[code];
    super(`${fill(message, details)}; ${fill(remedy, details)}`, options);
    this.name = "GraspGroundingError";
    this.code = code;
    this.details = details;
  }

  get entry(): CatalogueEntry {
    return catalogue[this.code];
  }
}

/** The message of an error of any kind in one line, used as `detail`. */
export function describe(error: unknown): string {
  const { message } = (error ?? {}) as { message?: unknown };
  return firstLine(typeof message === "string" ? message : String(error));
}

/** The diagnostic level of an error by its code, also of one that came from another thread as `{ code, message }`. */
export function levelOf(error: unknown): DiagnosticLevel {
  const { code } = (error ?? {}) as { code?: unknown };
  const known = typeof code === "string" && Object.hasOwn(catalogue, code);
  return (known ? (catalogue[code as ErrorCode] as CatalogueEntry) : catalogue.INTERNAL).level;
}

/** Wraps an error outside the catalogue as INTERNAL, so that every surface reports it alike. */
export function asCatalogued(error: unknown): GraspGroundingError {
  if (error instanceof GraspGroundingError) return error;
  return new GraspGroundingError("INTERNAL", { detail: describe(error) }, { cause: error });
}

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (placeholder, key: string) => {
    const value = details[key];
    return value === undefined ? placeholder : firstLine(String(value));
  });
}

function firstLine(text: string): string {
  const line = text.split("\n", 1)[0] ?? "";
  return line.replace(/[\x00-\x1f\x7f]/g, "�").slice(0, 400);
}
