"""Writes a complete, tiny grounding model that really grounds: it finds the colour that a query names.

Same three ONNX parts, manifest and tokenizer as a real model, in a few kilobytes, so that the engine's tests need
neither weights nor patience. Embeddings of "red", "green" and "blue" are the directions of these colours; the decoder
takes their dot product with the image.

Usage: tiny_model.py FOLDER [--background] [--size WIDTHxHEIGHT] [--pool N]
--background: logits of what is NOT the object, as HiFi-CS publishes; --size: of its input images; --pool: pixels a side of a
logit's square.
"""

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "green", "blue", "the", "cup", "box"]
COLOURS = {"red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1)}


def model(nodes, inputs, outputs, constants) -> onnx.ModelProto:
    initializers = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, initializers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def value(name, dtype, shape):
    return helper.make_tensor_value_info(name, dtype, shape)


def encoder(width: int, height: int, pool: int) -> onnx.ModelProto:
    return model(
        [helper.make_node("AveragePool", ["image"], ["level_0"], kernel_shape=[pool, pool], strides=[pool, pool])],
        [value("image", TensorProto.FLOAT, ["n", 3, height, width])],
        [value("level_0", TensorProto.FLOAT, ["n", 3, height // pool, width // pool])],
        {},
    )


def text() -> onnx.ModelProto:
    table = np.zeros((len(VOCABULARY), 3), np.float32)
    for word, direction in COLOURS.items():
        table[VOCABULARY.index(word)] = direction
    return model(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["tokens"], axis=0),
            helper.make_node("ReduceSum", ["tokens", "token_axis"], ["sentence"], keepdims=0),
        ],
        [value("input_ids", TensorProto.INT64, ["q", "t"]), value("attention_mask", TensorProto.INT64, ["q", "t"])],
        [value("tokens", TensorProto.FLOAT, ["q", "t", 3]), value("sentence", TensorProto.FLOAT, ["q", 3])],
        {"table": table, "token_axis": np.array([1], np.int64)},
    )


def decoder(width: int, height: int, pool: int, sign: float) -> onnx.ModelProto:
    """logits = sign * (20 * <sentence, colour> - 10); presence = the largest of them, less 2 per missing colour word."""
    return model(
        [
            helper.make_node("Unsqueeze", ["sentence", "map_axes"], ["film"]),
            helper.make_node("Mul", ["level_0", "film"], ["modulated"]),
            helper.make_node("ReduceSum", ["modulated", "channel_axis"], ["dot"], keepdims=1),
            helper.make_node("Mul", ["dot", "gain"], ["scaled"]),
            helper.make_node("Sub", ["scaled", "bias"], ["object"]),
            helper.make_node("Mul", ["object", "sign"], ["logits"]),
            helper.make_node("ReduceMax", ["object"], ["presence"], axes=[1, 2, 3], keepdims=0),
        ],
        [value("level_0", TensorProto.FLOAT, [1, 3, height // pool, width // pool]), value("sentence", TensorProto.FLOAT, ["q", 3])],
        [value("logits", TensorProto.FLOAT, ["q", 1, height // pool, width // pool]), value("presence", TensorProto.FLOAT, ["q"])],
        {
            "map_axes": np.array([2, 3], np.int64),
            "channel_axis": np.array([1], np.int64),
            "gain": np.float32(20),
            "bias": np.float32(10),
            "sign": np.float32(sign),
        },
    )


def tokenizer() -> dict:
    special = [
        {"id": i, "content": VOCABULARY[i], "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i in range(4)
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": special,
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
            "pair": [],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: i for i, word in enumerate(VOCABULARY)},
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--background", action="store_true")
    parser.add_argument("--size", default="64x64")
    parser.add_argument("--pool", type=int, default=2)
    args = parser.parse_args()
    width, height = (int(length) for length in args.size.split("x"))
    args.folder.mkdir(parents=True, exist_ok=True)
    files = {
        "encoder.onnx": encoder(width, height, args.pool).SerializeToString(),
        "text.onnx": text().SerializeToString(),
        "decoder.onnx": decoder(width, height, args.pool, -1 if args.background else 1).SerializeToString(),
        "tokenizer.json": json.dumps(tokenizer()).encode(),
    }
    for name, content in files.items():
        (args.folder / name).write_bytes(content)
    named = {name: {"file": name, "sha256": hashlib.sha256(content).hexdigest()} for name, content in files.items()}
    manifest = {
        "format": 1,
        "name": "tiny",
        "family": "tiny",
        "licence": "Apache-2.0",
        "source": "made by bench/reference/tiny_model.py",
        "input": {"width": width, "height": height, "resize": "stretch", "scale": 1 / 255, "mean": [0, 0, 0], "std": [1, 1, 1]},
        "encoder": {**named["encoder.onnx"], "input": "image", "outputs": ["level_0"]},
        "text": {
            **named["text.onnx"],
            "tokenizer": {"kind": "huggingface", **named["tokenizer.json"], "config": {}},
            "max_tokens": 16,
            "outputs": ["tokens", "sentence"],
        },
        "decoder": {**named["decoder.onnx"], "inputs": ["level_0", "sentence"], "output": "logits", "presence": "presence"},
        "mask": {"polarity": "background" if args.background else "object", "threshold": 0.5},
        "found": {"threshold": 0.5},
    }
    (args.folder / "manifest.json").write_text(json.dumps(manifest, indent=2))


if __name__ == "__main__":
    main()
