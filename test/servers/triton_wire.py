"""Bodies as NVIDIA's client library writes and reads them. Reads one JSON line: {"request": …}, {"response": …}, {"config": …} or {"config_message": …}."""

import base64
import json
import sys

import numpy as np
import tritonclient.http as http
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2, service_pb2

types = {"FP32": np.float32, "INT64": np.int64, "UINT8": np.uint8}


def array(tensor: dict) -> np.ndarray:
    return np.frombuffer(base64.b64decode(tensor["data"]), types[tensor["datatype"]]).reshape(tensor["shape"])


def write_request(asked: dict) -> dict:
    inputs = []
    for tensor in asked["inputs"]:
        value = http.InferInput(tensor["name"], tensor["shape"], tensor["datatype"])
        value.set_data_from_numpy(array(tensor), binary_data=True)
        inputs.append(value)
    outputs = [http.InferRequestedOutput(name, binary_data=True) for name in asked["outputs"]]
    body, length = http.InferenceServerClient.generate_request_body(inputs, outputs=outputs)
    return {"body": base64.b64encode(bytes(body)).decode(), "length": length}


def read_response(given: dict) -> list:
    result = http.InferenceServerClient.parse_response_body(base64.b64decode(given["body"]), header_length=given["length"])
    return [
        {"name": o["name"], "shape": o["shape"], "data": base64.b64encode(result.as_numpy(o["name"]).tobytes()).decode()}
        for o in result.get_response()["outputs"]
    ]


def config_message(text: str) -> str:
    """A config.pbtxt as Triton sends it over gRPC."""
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    return base64.b64encode(service_pb2.ModelConfigResponse(config=config).SerializeToString()).decode()


def read_config(text: str) -> dict:
    config = text_format.Parse(text, model_config_pb2.ModelConfig())
    tensors = lambda values: [[t.name, model_config_pb2.DataType.Name(t.data_type), list(t.dims)] for t in values]
    return {
        "name": config.name,
        "backend": config.backend,
        "platform": config.platform,
        "max_batch_size": config.max_batch_size,
        "inputs": tensors(config.input),
        "outputs": tensors(config.output),
        "instances": [[g.count, g.KIND.Name if False else model_config_pb2.ModelInstanceGroup.Kind.Name(g.kind)] for g in config.instance_group],
        "batching": config.HasField("dynamic_batching"),
        "steps": [[s.model_name, dict(s.input_map), dict(s.output_map)] for s in config.ensemble_scheduling.step],
        "sha256": config.parameters["sha256"].string_value if "sha256" in config.parameters else None,
    }


for line in sys.stdin:
    asked = json.loads(line)
    if "request" in asked:
        print(json.dumps(write_request(asked["request"])), flush=True)
    elif "response" in asked:
        print(json.dumps(read_response(asked["response"])), flush=True)
    elif "config_message" in asked:
        print(json.dumps(config_message(asked["config_message"])), flush=True)
    else:
        print(json.dumps(read_config(asked["config"])), flush=True)
