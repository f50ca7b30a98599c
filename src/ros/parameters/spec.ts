export type ParameterValue = boolean | number | string;

interface Common<T extends ParameterValue> {
  readonly default: T;
  /** One line, with units and the meaning of special values. */
  readonly description: string;
  /** Read when the node is configured; changing it needs cleanup and configure. */
  readonly readOnly?: boolean;
}

export type ParameterSpec =
  | ({ readonly type: "boolean" } & Common<boolean>)
  | ({ readonly type: "integer" | "double"; readonly range: readonly [number, number] } & Common<number>)
  | ({ readonly type: "string"; readonly options?: readonly string[] } & Common<string>);

/** Parameters by name. */
export type ParameterGroup = Readonly<Record<string, ParameterSpec>>;
