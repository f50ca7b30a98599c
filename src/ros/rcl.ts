import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { describe, GraspGroundingError } from "../errors/index.js";

/**
 * The part of rclnodejs that is used here, typed by hand: its own types exist only after its messages were generated,
 * and the package must compile on machines without ROS.
 */
export interface Rcl {
  readonly QoS: QosConstructor;
  readonly QoSPolicyKind: Readonly<Record<"HISTORY" | "DEPTH" | "RELIABILITY" | "DURABILITY", number>>;
  readonly QoSOverridingOptions: new (policies: readonly number[]) => unknown;
  readonly Parameter: new (name: string, type: number, value: unknown) => RclParameter;
  readonly ParameterDescriptor: new (
    name: string,
    type: number,
    description: string,
    readOnly: boolean,
    range?: unknown,
  ) => RclDescriptor;
  readonly IntegerRange: new (from: bigint, to: bigint, step?: bigint) => unknown;
  readonly FloatingPointRange: new (from: number, to: number, step?: number) => unknown;
  readonly ActionServer: new (
    node: RclNode,
    type: string,
    name: string,
    execute: (goal: RclGoalHandle) => Promise<unknown>,
    goal?: (goal: never) => unknown,
    accepted?: (goal: RclGoalHandle) => void,
    cancel?: (goal: RclGoalHandle) => unknown,
  ) => { destroy(): void };
  readonly ActionClient: new (node: RclNode, type: string, name: string) => RclActionClient;
  readonly GoalResponse: { readonly ACCEPT: unknown; readonly REJECT: unknown };
  readonly CancelResponse: { readonly ACCEPT: unknown; readonly REJECT: unknown };
  readonly lifecycle: {
    readonly LifecycleNode: new (
      name: string,
      namespace?: string,
      context?: undefined,
      options?: { readonly parameterOverrides?: readonly RclParameter[] },
    ) => RclNode;
    readonly CallbackReturnCode: {
      readonly SUCCESS: number;
      readonly FAILURE: number;
      readonly ERROR: number;
    };
  };
  readonly Node: new (name: string, namespace?: string) => RclNode;
  init(context?: unknown, argv?: readonly string[]): Promise<void>;
  shutdown(): void;
  removeSignalHandlers(): void;
  isShutdown(): boolean;
  require(type: string): unknown;
}

export interface Qos {
  readonly reliability: number;
}

interface QosConstructor {
  new (history: number, depth: number, reliability: number, durability: number): Qos;
}

export interface RclParameter {
  readonly name: string;
  /** rcl_interfaces/msg/ParameterType */
  readonly type: number;
  readonly value: unknown;
}

/** rcl_interfaces/msg/SetParametersResult */
export interface RclSetResult {
  readonly successful: boolean;
  readonly reason: string;
}

export interface RclDescriptor {
  additionalConstraints: string;
  toMessage(): object;
}

export interface RclSubscription {
  readonly topic: string;
}

export interface RclPublisher {
  readonly topic: string;
  publish(message: object): void;
  subscriptionCount?(): number;
}

export interface RclService {
  readonly serviceName: string;
}

export interface RclResponse {
  send(message: object): void;
}

export interface RclGoalHandle {
  readonly request: Record<string, unknown>;
  readonly goalId: { readonly uuid: Uint8Array };
  readonly isActive: boolean;
  readonly isCancelRequested: boolean;
  execute(): void;
  publishFeedback(feedback: object): void;
  succeed(): void;
  abort(): void;
  canceled(): void;
}

export interface RclActionClient {
  isActionServerAvailable(): boolean;
  /** Milliseconds; false when the time is over. */
  waitForServer(timeout: number): Promise<boolean>;
  sendGoal(
    goal: object,
    feedback?: (feedback: unknown) => void,
    goalId?: { readonly uuid: Uint8Array },
  ): Promise<RclGoal>;
  destroy(): void;
}

/** A goal of ours at another node's action server. */
export interface RclGoal {
  /** action_msgs/msg/GoalStatus */
  readonly status: number;
  isAccepted(): boolean;
  cancelGoal(): Promise<unknown>;
  getResult(): Promise<unknown>;
}

export interface RclClient {
  sendRequest(request: object, answered: (response: unknown) => void): void;
}

export interface RclEndpointInfo {
  readonly node_name: string;
  readonly node_namespace: string;
  readonly topic_type: string;
  readonly qos_profile: { readonly reliability: number; readonly durability: number };
}

export interface RclLogger {
  debug(text: string): void;
  info(text: string): void;
  warn(text: string): void;
  error(text: string): void;
}

export interface RclNode {
  spin(timeout?: number): void;
  stop(): void;
  destroy(): void;
  name(): string;
  namespace(): string;
  getFullyQualifiedName(): string;
  getLogger(): RclLogger;
  now(): { readonly nanoseconds: bigint };
  resolveTopicName(topic: string, onlyExpand?: boolean): string;
  /** The values of parameters that were given at start. */
  getParameterOverrides(): readonly RclParameter[];
  countPublishers(topic: string): number;
  countSubscribers(topic: string): number;
  getPublishersInfoByTopic(topic: string): readonly RclEndpointInfo[];
  createSubscription(
    type: string,
    topic: string,
    options: { isRaw?: boolean; qos?: Qos; qosOverridingOptions?: unknown },
    callback: (message: never) => void,
  ): RclSubscription;
  createPublisher(
    type: string,
    topic: string,
    options?: { qos?: Qos; qosOverridingOptions?: unknown },
  ): RclPublisher;
  createService(
    type: string,
    name: string,
    callback: (request: never, response: RclResponse) => unknown,
  ): RclService;
  createClient(type: string, name: string): RclClient;
  destroyClient(client: RclClient): void;
  destroySubscription(subscription: RclSubscription): void;
  destroyPublisher(publisher: RclPublisher): void;
  destroyService(service: RclService): void;
  declareParameter(parameter: RclParameter, descriptor: RclDescriptor): RclParameter;
  getParameter(name: string): RclParameter;
  setParameter(parameter: RclParameter): RclSetResult;
  /** Every request to set parameters comes through here. */
  setParametersAtomically(parameters: readonly RclParameter[]): RclSetResult;
  addPostSetParametersCallback(callback: (parameters: readonly RclParameter[]) => void): void;
  readonly currentState: { readonly id: number; readonly label: string };
  registerOnConfigure(callback: () => number): void;
  registerOnActivate(callback: () => number): void;
  registerOnDeactivate(callback: () => number): void;
  registerOnCleanup(callback: () => number): void;
  registerOnShutdown(callback: () => number): void;
  registerOnError(callback: () => number): void;
  configure(): unknown;
  activate(): unknown;
  deactivate(): unknown;
  cleanup(): unknown;
}

/** rcl_interfaces/msg/ParameterType */
export const parameterTypes = { boolean: 1, integer: 2, double: 3, string: 4 } as const;

/** rmw policies, as rclnodejs numbers them. */
export const keepLast = 1;
export const reliability = { reliable: 1, bestEffort: 2 } as const;
export const durability = { transientLocal: 1, volatile: 2 } as const;

/**
 * Loads rclnodejs, which needs a ROS 2 in the environment.
 * @throws GraspGroundingError ROS_MISSING
 */
export async function loadRcl(): Promise<Rcl> {
  const problem = addonProblem();
  if (problem !== undefined) throw new GraspGroundingError("ROS_MISSING", { detail: problem });
  // Not a literal, so that the compiler does not look for types that are generated on the user's machine.
  const name: string = "rclnodejs";
  try {
    return ((await import(name)) as { default: Rcl }).default;
  } catch (error) {
    throw new GraspGroundingError("ROS_MISSING", { detail: describe(error) }, { cause: error });
  }
}

/**
 * Why rclnodejs's addon would not load. Asked before importing it: a package that does not find its addon deletes the
 * build and starts to compile, for minutes and in the middle of the user's terminal.
 */
export function addonProblem(): string | undefined {
  if (process.env.AMENT_PREFIX_PATH === undefined) return "no ROS 2 is sourced";
  const require = createRequire(import.meta.url);
  let folder: string;
  try {
    folder = dirname(require.resolve("rclnodejs/package.json"));
  } catch {
    return "the package rclnodejs is not installed";
  }
  const built = join(folder, "build", "Release", "rclnodejs.node");
  if (!existsSync(built)) return hasPrebuilt(folder) ? undefined : "rclnodejs is not compiled";
  try {
    require(built);
    return undefined;
  } catch (error) {
    return describe(error);
  }
}

/** Whether rclnodejs brings an addon for exactly this distribution and Ubuntu. */
function hasPrebuilt(folder: string): boolean {
  const distribution = process.env.ROS_DISTRO;
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const codename = /^UBUNTU_CODENAME=(\w+)/m.exec(release)?.[1];
  if (distribution === undefined || codename === undefined) return false;
  const file = `${distribution}-${codename}-${process.arch}-node-rclnodejs.node`;
  return existsSync(join(folder, "prebuilds", `${process.platform}-${process.arch}`, file));
}
