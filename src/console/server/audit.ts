import { createWriteStream, type WriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { describe, GraspGroundingError } from "../../errors/index.js";
import type { Actor } from "./lease.js";

export interface AuditEntry {
  readonly what: string;
  readonly outcome: "done" | "refused" | "failed";
  readonly details?: unknown;
  /** Error code when it was not done. */
  readonly code?: string;
}

/** Who asked for what, when, and what came of it: JSON lines, appended. Holds no token. */
export class AuditLog {
  readonly #stream: WriteStream | undefined;
  #failed: string | undefined;

  private constructor(stream: WriteStream | undefined) {
    this.#stream = stream;
    stream?.on("error", (error) => {
      this.#failed = describe(error);
    });
  }

  /** Appends to a file; without a path nothing is written. @throws GraspGroundingError OUTPUT_UNWRITABLE */
  static async open(path: string | undefined): Promise<AuditLog> {
    if (path === undefined) return new AuditLog(undefined);
    try {
      await mkdir(dirname(path), { recursive: true });
      const stream = createWriteStream(path, { flags: "a", mode: 0o600 });
      await new Promise<void>((resolve, reject) => {
        stream.once("open", () => resolve());
        stream.once("error", reject);
      });
      return new AuditLog(stream);
    } catch (cause) {
      throw new GraspGroundingError("OUTPUT_UNWRITABLE", { path, detail: describe(cause) }, { cause });
    }
  }

  /** Why lines are lost, when they are. */
  get failure(): string | undefined {
    return this.#failed;
  }

  write(actor: Pick<Actor, "id" | "name" | "role" | "address">, entry: AuditEntry): void {
    if (this.#stream === undefined || this.#failed !== undefined) return;
    const { name: who, role, id: session, address } = actor;
    this.#stream.write(
      `${JSON.stringify({ at: new Date().toISOString(), who, role, session, address, ...entry })}\n`,
    );
  }

  close(): Promise<void> {
    const stream = this.#stream;
    if (stream === undefined || stream.destroyed) return Promise.resolve();
    return new Promise((resolve) => {
      stream.once("close", resolve);
      stream.end();
    });
  }
}
