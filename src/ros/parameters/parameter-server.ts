import { GraspGroundingError } from "../../errors/index.js";
import { parameterTypes, type Rcl, type RclNode } from "../rcl.js";
import {
  type ParameterName,
  type ParameterSpec,
  type Parameters,
  parameterNames,
  parameterProblem,
  parameterSpecs,
} from "./index.js";

/** Declares every parameter of the table on a node and keeps their values. */
export class ParameterServer {
  readonly #rcl: Rcl;
  readonly #node: RclNode;
  #values: Parameters;
  /** Called after values changed, with the names. */
  onChange: ((names: readonly ParameterName[]) => void) | undefined;

  /** @throws GraspGroundingError ROS_PARAMETER for a value given at start that is not allowed. */
  constructor(rcl: Rcl, node: RclNode) {
    this.#rcl = rcl;
    this.#node = node;
    const values: Record<string, unknown> = {};
    for (const name of parameterNames) {
      const spec: ParameterSpec = parameterSpecs[name];
      const type = parameterTypes[spec.type];
      const descriptor = new rcl.ParameterDescriptor(
        name,
        type,
        spec.description,
        spec.readOnly === true,
        rangeOf(rcl, spec),
      );
      if (spec.type === "string" && spec.options !== undefined)
        descriptor.additionalConstraints = `one of: ${spec.options.join(", ")}`;
      // rclnodejs 2.2 checks ranges but leaves them out of the descriptor it sends.
      const sent = descriptor.toMessage();
      descriptor.toMessage = () => ({ ...sent, ...rangeMessage(spec) });
      const initial = spec.type === "integer" ? BigInt(spec.default) : spec.default;
      let declared: unknown;
      try {
        declared = node.declareParameter(new rcl.Parameter(name, type, initial), descriptor).value;
      } catch (error) {
        throw new GraspGroundingError("ROS_PARAMETER", { name, detail: String((error as Error).message) });
      }
      const problem = parameterProblem(name, declared);
      if (problem !== undefined) throw new GraspGroundingError("ROS_PARAMETER", { name, detail: problem });
      values[name] = plain(declared);
    }
    this.#values = values as Parameters;
    node.addOnSetParametersCallback((changes) => {
      for (const { name, value } of changes) {
        const reason = parameterProblem(name, value);
        if (reason !== undefined) return { successful: false, reason };
      }
      return { successful: true, reason: "" };
    });
    node.addPostSetParametersCallback((changes) => {
      const known = changes.filter(({ name }) => Object.hasOwn(parameterSpecs, name));
      if (known.length === 0) return;
      this.#values = {
        ...this.#values,
        ...Object.fromEntries(known.map(({ name, value }) => [name, plain(value)])),
      };
      this.onChange?.(known.map(({ name }) => name as ParameterName));
    });
  }

  get values(): Parameters {
    return this.#values;
  }

  /** Sets one value as a ROS client would. @throws GraspGroundingError ROS_PARAMETER when it is not allowed */
  set(name: string, value: unknown): void {
    const spec: ParameterSpec | undefined = Object.hasOwn(parameterSpecs, name)
      ? parameterSpecs[name as ParameterName]
      : undefined;
    const problem =
      spec === undefined
        ? "the node has no such parameter"
        : spec.readOnly
          ? "it is read when the node is configured; give it at start"
          : parameterProblem(name, value);
    if (spec === undefined || problem !== undefined)
      throw new GraspGroundingError("ROS_PARAMETER", { name, detail: problem ?? "" });
    const sent = spec.type === "integer" ? BigInt(Math.round(Number(value))) : value;
    const { successful, reason } = this.#node.setParameter(
      new this.#rcl.Parameter(name, parameterTypes[spec.type], sent),
    );
    if (!successful) throw new GraspGroundingError("ROS_PARAMETER", { name, detail: reason });
  }
}

const plain = (value: unknown): unknown => (typeof value === "bigint" ? Number(value) : value);

/** The range as rcl_interfaces/msg/ParameterDescriptor has it. */
function rangeMessage(spec: ParameterSpec): object {
  if (spec.type !== "integer" && spec.type !== "double") return {};
  const [low, high] = spec.range;
  return spec.type === "integer"
    ? { integer_range: [{ from_value: BigInt(low), to_value: BigInt(high), step: 1n }] }
    : { floating_point_range: [{ from_value: low, to_value: high, step: 0 }] };
}

function rangeOf(rcl: Rcl, spec: ParameterSpec): unknown {
  if (spec.type === "integer") return new rcl.IntegerRange(BigInt(spec.range[0]), BigInt(spec.range[1]), 1n);
  if (spec.type === "double") return new rcl.FloatingPointRange(spec.range[0], spec.range[1], 0);
  return undefined;
}
