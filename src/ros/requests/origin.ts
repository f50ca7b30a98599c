/** Where a query came from: ~/query (or the parameter `query`), a service or the action. */
export type QuerySource = "topic" | "service" | "action";

/** Tells one query of a node from all others, also from the same words asked again. */
export interface Origin {
  readonly source: QuerySource;
  /** For example topic-1, service-7 or action-3f2a9c01. */
  readonly id: string;
}

/** Numbers the queries of one node. */
export class Origins {
  #next = { topic: 1, service: 1 };

  next(source: "topic" | "service"): Origin {
    return { source, id: `${source}-${this.#next[source]++}` };
  }
}

/** @param goal the first bytes of the goal's id, in hexadecimal digits. */
export const actionOrigin = (goal: string): Origin => ({ source: "action", id: `action-${goal}` });
