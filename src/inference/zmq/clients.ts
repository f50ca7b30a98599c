interface Client {
  readonly session: string;
  lastId: number;
}

/**
 * Known clients and the last message of each: a session belongs to one connection and its ids only count up, so that a
 * repeated message, on the same connection or another, is recognised. Bounded; the client that was silent longest is
 * dropped first.
 */
export class Clients {
  readonly #limit: number;
  /** By connection. */
  readonly #clients = new Map<string, Client>();
  /** Connection of a session. */
  readonly #sessions = new Map<string, string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  see(identity: Buffer, session: string, id: number, hello: boolean): "known" | "unknown" | "replayed" {
    const connection = identity.toString("hex");
    const owner = this.#sessions.get(session);
    if (owner !== undefined && owner !== connection) return "replayed";
    let client = this.#clients.get(connection);
    if (client === undefined || client.session !== session) {
      if (!hello) return "unknown";
      if (client !== undefined) this.#sessions.delete(client.session);
      client = { session, lastId: -1 };
      this.#sessions.set(session, connection);
    }
    if (id <= client.lastId) return "replayed";
    client.lastId = id;
    this.#clients.delete(connection);
    this.#clients.set(connection, client);
    this.#forgetOldest();
    return "known";
  }

  #forgetOldest(): void {
    if (this.#clients.size <= this.#limit) return;
    const [oldest] = this.#clients;
    if (oldest === undefined) return;
    this.#clients.delete(oldest[0]);
    this.#sessions.delete(oldest[1].session);
  }
}
