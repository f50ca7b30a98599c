"""Writes ONNX graphs with the inputs and outputs of a hub family, as small as can be: python hub_graph.py FAMILY FOLDER"""

import sys
from pathlib import Path

from onnx import TensorProto, helper, save

SIGNATURES = {
    "owlv2": {"model": (["pixel_values", "input_ids", "attention_mask"], ["logits", "pred_boxes"])},
    "sam": {
        "vision_encoder": (["pixel_values"], ["image_embeddings", "image_positional_embeddings"]),
        "prompt_encoder_mask_decoder": (
            ["image_embeddings", "image_positional_embeddings", "input_points"],
            ["iou_scores", "pred_masks"],
        ),
    },
}

for stem, (inputs, outputs) in SIGNATURES[sys.argv[1]].items():
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in inputs]
    found = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in outputs]
    nodes = [helper.make_node("Sum", inputs, [name]) for name in outputs]
    graph = helper.make_graph(nodes, stem, values, found)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = Path(sys.argv[2], "onnx", f"{stem}.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    save(model, path)
