import { GraspGroundingError } from "../errors/index.js";
import type { RclNode, RclResponse } from "./rcl.js";

/**
 * The members of rclnodejs 2.2 that are replaced here, because an exception that leaves one of its callbacks ends the
 * process. test/ros/upstream reproduces each fault; docs/decisions/0010-rclnodejs.md lists them with the upstream
 * remedy.
 */
interface GuardedNode extends RclNode {
  execute: (handles: readonly unknown[]) => void;
  _onChangeState: (request: ChangeStateRequest, response: RclResponse) => void;
  readonly availableTransitions: readonly {
    readonly transition: { readonly id: number; readonly label: string };
  }[];
  readonly _parameterService?: {
    _handleSetParameters: ParameterHandler;
    _handleSetParametersAtomically: ParameterHandler;
  };
}

interface ChangeStateRequest {
  readonly transition: { readonly id: number; readonly label: string };
}

type ParameterHandler = (request: { readonly parameters: readonly unknown[] }, response: RclResponse) => void;

interface GuardedActionServer {
  _executeGoal: (...args: unknown[]) => Promise<void>;
  _executeCancelRequest: (...args: unknown[]) => Promise<void>;
  _sendResultResponse: (...args: unknown[]) => void;
  isDestroyed(): boolean;
}

/**
 * The process survives any message of another node: an exception in a callback of the node goes to `onError`, and a
 * request that cannot be carried out is answered with success=false.
 */
export function guardNode(node: RclNode, onError: (error: unknown) => void): void {
  const guarded = node as GuardedNode;
  const execute = guarded.execute;
  guarded.execute = (handles) => {
    try {
      execute.call(node, handles);
    } catch (error) {
      onError(error);
    }
  };
  guardTransitions(guarded, onError);
  guardParameterService(guarded, onError);
}

/** rcl throws on a transition that the present state does not offer. */
function guardTransitions(node: GuardedNode, onError: (error: unknown) => void): void {
  const change = node._onChangeState;
  node._onChangeState = (request, response) => {
    const { id, label } = request.transition;
    // As rclcpp: a label, where there is one, counts and not the number.
    const offered = node.availableTransitions.some(({ transition }) =>
      label === "" ? transition.id === id : transition.label === label,
    );
    try {
      if (offered) return change.call(node, request, response);
      const transition = label === "" ? id : label;
      const state = node.currentState.label;
      onError(
        new GraspGroundingError("TRANSITION_INVALID", {
          transition,
          state,
          node: node.getFullyQualifiedName(),
        }),
      );
    } catch (error) {
      onError(error);
    }
    response.send({ success: false });
  };
}

/** rclnodejs throws on a value of a type that it does not know, and its client gets no answer. */
function guardParameterService(node: GuardedNode, onError: (error: unknown) => void): void {
  const service = node._parameterService;
  if (service === undefined) return;
  const failed = { successful: false, reason: "the value has no type that a parameter can have" };
  const guard =
    (handle: ParameterHandler, refusal: (count: number) => object): ParameterHandler =>
    (request, response) => {
      try {
        handle.call(service, request, response);
      } catch (error) {
        onError(error);
        response.send(refusal(request.parameters.length));
      }
    };
  service._handleSetParameters = guard(service._handleSetParameters, (count) => ({
    results: Array.from({ length: count }, () => failed),
  }));
  service._handleSetParametersAtomically = guard(service._handleSetParametersAtomically, () => ({
    result: failed,
  }));
}

/** The same for an action server, whose handlers are asynchronous: rejections would end the process. */
export function guardActionServer(server: object, onError: (error: unknown) => void): void {
  const guarded = server as GuardedActionServer;
  for (const name of ["_executeGoal", "_executeCancelRequest"] as const) {
    const handle = guarded[name];
    guarded[name] = (...args) => handle.apply(server, args).catch(onError);
  }
  const send = guarded._sendResultResponse;
  guarded._sendResultResponse = (...args) => {
    // A goal may end after its server, which then cannot answer.
    if (!guarded.isDestroyed()) send.apply(server, args);
  };
}
