import { GraspGroundingError } from "../../errors/index.js";
import { parameterTypes, type Rcl, type RclNode, type RclParameter, type RclSetResult } from "../rcl.js";
import {
  type ParameterName,
  type ParameterSpec,
  type Parameters,
  parameterNames,
  parameterProblem,
  parameterSpecs,
} from "./index.js";
import { wording } from "./overrides.js";

/** Declares every parameter of the table on a node and holds their values. */
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
    for (const name of parameterNames) values[name] = plain(this.#declare(name));
    this.#values = values as Parameters;
    this.#answerSets();
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
    const type = specOf(name)?.type ?? "string";
    const problem = specOf(name) === undefined ? unknown : parameterProblem(name, value);
    if (problem !== undefined) throw new GraspGroundingError("ROS_PARAMETER", { name, detail: problem });
    const sent = type === "integer" ? BigInt(Math.round(Number(value))) : value;
    const { successful, reason } = this.#node.setParameter(
      new this.#rcl.Parameter(name, parameterTypes[type], sent),
    );
    if (!successful) throw new GraspGroundingError("ROS_PARAMETER", { name, detail: reason });
  }

  #declare(name: ParameterName): unknown {
    const spec: ParameterSpec = parameterSpecs[name];
    const type = parameterTypes[spec.type];
    const rcl = this.#rcl;
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
      declared = this.#node.declareParameter(new rcl.Parameter(name, type, initial), descriptor).value;
    } catch (error) {
      throw new GraspGroundingError("ROS_PARAMETER", { name, detail: String((error as Error).message) });
    }
    const problem = parameterProblem(name, declared);
    if (problem !== undefined) throw new GraspGroundingError("ROS_PARAMETER", { name, detail: problem });
    return declared;
  }

  /**
   * Answers every request to set parameters with a reason of its own: rclnodejs 2.2 has one text for each refusal and
   * does not know an undeclared name. Both of its services come through this method.
   */
  #answerSets(): void {
    const node = this.#node;
    const inner = node.setParametersAtomically.bind(node);
    node.setParametersAtomically = (parameters): RclSetResult => {
      const converted = parameters.map((each) => this.#asDouble(each));
      for (const each of converted) {
        const reason = refusal(each);
        if (reason !== undefined) return { successful: false, reason };
      }
      return inner(converted);
    };
  }

  /** An integer for a parameter that is a double. */
  #asDouble(parameter: RclParameter): RclParameter {
    const { name, type, value } = parameter;
    return specOf(name)?.type === "double" && type === parameterTypes.integer
      ? new this.#rcl.Parameter(name, parameterTypes.double, Number(value))
      : parameter;
  }
}

const unknown = "the node has no such parameter";

const specOf = (name: string): ParameterSpec | undefined =>
  Object.hasOwn(parameterSpecs, name) ? parameterSpecs[name as ParameterName] : undefined;

/** Why a parameter cannot be set to a value; undefined when it can. */
function refusal({ name, type, value }: RclParameter): string | undefined {
  if (name === "use_sim_time")
    return type === parameterTypes.boolean ? undefined : `${name} must be ${wording.boolean}`;
  const spec = specOf(name);
  if (spec === undefined) return `${name}: ${unknown}`;
  if (spec.readOnly === true) return `${name} is read when the node starts; give it at start`;
  if (type !== parameterTypes[spec.type]) return `${name} must be ${wording[spec.type]}`;
  return parameterProblem(name, value);
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
