"""The parts of a model on KServe's own server, which takes the binary tensor extension. Usage: kserve_parts.py PORT MODEL_FOLDER"""

import json
import sys
from pathlib import Path

import onnxruntime as ort
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

types = {"tensor(float)": "FP32", "tensor(int64)": "INT64", "tensor(uint8)": "UINT8"}


class Part(Model):
    def __init__(self, name: str, path: Path) -> None:
        super().__init__(name)
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.ready = True

    @staticmethod
    def _describe(values) -> list:
        size = lambda length: length if isinstance(length, int) else -1
        return [{"name": v.name, "datatype": types[v.type], "shape": [size(d) for d in v.shape]} for v in values]

    async def get_input_types(self) -> list:
        return self._describe(self.session.get_inputs())

    async def get_output_types(self) -> list:
        return self._describe(self.session.get_outputs())

    async def predict(self, payload: InferRequest, headers=None, response_headers=None) -> InferResponse:
        wanted = {i.name for i in self.session.get_inputs()}
        feeds = {i.name: i.as_numpy() for i in payload.inputs if i.name in wanted}
        outputs = []
        for described, value in zip(self.session.get_outputs(), self.session.run(None, feeds)):
            output = InferOutput(described.name, list(value.shape), types[described.type])
            output.set_data_from_numpy(value, binary_data=True)
            outputs.append(output)
        return InferResponse(payload.id or "", self.name, outputs, use_binary_outputs=True, requested_outputs=payload.request_outputs)


if __name__ == "__main__":
    port, folder = sys.argv[1:]
    manifest = json.loads((Path(folder) / "manifest.json").read_text())
    parts = [Part(f"{manifest['name']}-{p}", Path(folder) / manifest[p]["file"]) for p in ("encoder", "text", "decoder")]
    ModelServer(http_port=int(port), enable_grpc=False, workers=1).start(parts)
