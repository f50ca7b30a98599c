import { GraspGroundingError } from "../../errors/index.js";
import type { Role } from "../protocol.js";

/** Who gives a command. */
export interface Actor {
  /** Of the session; stays the same over a reconnection. */
  readonly id: string;
  /** For people. */
  readonly name: string;
  readonly role: Role;
  readonly address: string;
}

/**
 * One operator at a time. Control is taken when it is free, asked for when an operator has it, and ends when
 * released, handed
 * over, or when its holder has been away for `grace` milliseconds.
 */
export class Lease {
  #holder: Actor | undefined;
  #wanted: Actor | undefined;
  #away: NodeJS.Timeout | undefined;
  readonly #changed: () => void;
  readonly #grace: number;

  constructor(changed: () => void, grace = 10_000) {
    this.#changed = changed;
    this.#grace = grace;
  }

  get holder(): Actor | undefined {
    return this.#holder;
  }

  /** Who asks for control. */
  get wanted(): Actor | undefined {
    return this.#wanted;
  }

  /** Takes control when it is free; otherwise asks for it. @returns whether it is now the actor's */
  take(actor: Actor): boolean {
    if (this.#holder === undefined || this.#holder.id === actor.id) {
      this.#hold(actor);
      return true;
    }
    this.#wanted = actor;
    this.#changed();
    return false;
  }

  /** The actor is in control from here on. @throws GraspGroundingError LEASE_HELD */
  require(actor: Actor): void {
    if (this.#holder === undefined) this.#hold(actor);
    else if (this.#holder.id !== actor.id)
      throw new GraspGroundingError("LEASE_HELD", { holder: this.#holder.name });
  }

  /** @throws GraspGroundingError LEASE_NOT_YOURS */
  release(actor: Actor): void {
    this.#requireHolder(actor);
    this.#hold(this.#wanted);
  }

  /** Hands control to the client that asked for it. @throws GraspGroundingError LEASE_NOT_YOURS */
  grant(actor: Actor): void {
    this.#requireHolder(actor);
    if (this.#wanted !== undefined) this.#hold(this.#wanted);
  }

  /** The holder's last connection is gone; it has some seconds to come back. */
  left(id: string): void {
    if (this.#wanted?.id === id) {
      this.#wanted = undefined;
      this.#changed();
    }
    if (this.#holder?.id !== id) return;
    clearTimeout(this.#away);
    this.#away = setTimeout(() => this.#hold(this.#wanted), this.#grace);
    this.#away.unref();
  }

  returned(id: string): void {
    if (this.#holder?.id === id) clearTimeout(this.#away);
  }

  close(): void {
    clearTimeout(this.#away);
  }

  #requireHolder(actor: Actor): void {
    if (this.#holder?.id !== actor.id) throw new GraspGroundingError("LEASE_NOT_YOURS");
  }

  #hold(actor: Actor | undefined): void {
    clearTimeout(this.#away);
    this.#holder = actor;
    if (this.#wanted?.id === actor?.id) this.#wanted = undefined;
    this.#changed();
  }
}
