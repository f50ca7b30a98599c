"""The three ONNX parts of a HiFi-CS model: encoder, text, decoder (tensor names as in the model's manifest).

encoder  image float32 [N, 3, S, S] in 0..1        -> level_0..level_4 float32 [N, 1 + P*P, reduce], shallowest first
text     input_ids int64 [Q, T], T <= 77            -> sentence float32 [Q, embed]
decoder  level_* [1, 1 + P*P, reduce], sentence     -> logits float32 [Q, 1, P*patch, P*patch], of the background

The decoder's reductions (768 -> 64 per level) depend on the picture alone, so they close the encoder: what passes
between the parts, and on a GPU over the bus, is a twelfth.
"""

from __future__ import annotations

import numpy as np
import torch
from onnx import TensorProto
from torch import Tensor, nn

from .clip import Attention, ResidualBlock, resized_positions
from .hifics import DECODER_HEADS, INPUT_SIDE, HifiCs
from .onnx_graph import FP32, Graph, Precision

# Least value of x * sigmoid(1.702 x), rounded down.
QUICK_GELU_FLOOR = -0.1637


def array(value: Tensor) -> np.ndarray:
    return value.detach().to(torch.float32).numpy()


def level_names(model: HifiCs) -> list[str]:
    return [f"level_{index}" for index in range(len(model.decoder.config.taps))]


def _linear(name: str, layer: nn.Linear) -> tuple[str, np.ndarray, np.ndarray | None]:
    return name, array(layer.weight), None if layer.bias is None else array(layer.bias)


def _norm(graph: Graph, x: str, layer: nn.LayerNorm, name: str) -> str:
    return graph.layer_norm(x, array(layer.weight), array(layer.bias), name)


def _attention(graph: Graph, x: str, layer: Attention, name: str, tokens: int, heads: int, causal: bool) -> str:
    """x [R, W] with R = batch * tokens -> [R, W]. `tokens` -1: one sentence length for the whole batch, taken
    from the value named `rows_shape`, which the caller provides."""
    width = layer.out_proj.in_features
    joined = graph.linear(x, f"{name}.in_proj", array(layer.in_proj_weight), array(layer.in_proj_bias))
    shape = graph.ints(-1, tokens, width) if tokens > 0 else "rows_shape"
    q, k, v = (graph.op("Reshape", part, shape) for part in graph.ops("Split", 3, joined, axis=-1, num_outputs=3))
    mixed = graph.reshape(graph.attention(q, k, v, heads, causal), -1, width)
    return graph.linear(mixed, *_linear(f"{name}.out_proj", layer.out_proj))


def _residual_block(graph: Graph, x: str, block: ResidualBlock, name: str, tokens: int, causal: bool) -> str:
    inner = _norm(graph, x, block.ln_1, f"{name}.ln_1")
    x = graph.op("Add", x, _attention(graph, inner, block.attn, f"{name}.attn", tokens, block.attn.heads, causal))
    inner = _norm(graph, x, block.ln_2, f"{name}.ln_2")
    hidden = graph.linear(inner, *_linear(f"{name}.mlp.c_fc", block.mlp.c_fc))
    out = graph.linear(graph.quick_gelu(hidden), *_linear(f"{name}.mlp.c_proj", block.mlp.c_proj), QUICK_GELU_FLOOR)
    return graph.op("Add", x, out)


def encoder_graph(model: HifiCs, precision: Precision, side: int = INPUT_SIDE) -> Graph:
    """Stops after the last tap: deeper blocks and the pooled output feed nothing."""
    tower, taps, decoder = model.clip.visual, model.decoder.config.taps, model.decoder
    config = model.clip.config
    graph = Graph("encoder", precision)
    grid = side // config.patch
    tokens, width = grid * grid + 1, config.width
    image = graph.input("image", TensorProto.FLOAT, ["N", 3, side, side])
    patches = graph.op(
        "Conv", image, graph.weight(array(tower.conv1.weight), "conv1.weight"), strides=[config.patch] * 2
    )
    rows = graph.op("Transpose", graph.reshape(patches, 0, width, grid * grid), perm=[0, 2, 1])
    positions = array(resized_positions(tower.positional_embedding, grid))
    first = (array(tower.class_embedding) + positions[0])[None, None]
    rows = graph.op("Add", rows, graph.weight(positions[None, 1:], "positions"))
    batch = graph.op("Shape", image, start=0, end=1)
    shape = graph.op("Concat", batch, graph.ints(1, width), axis=0)
    class_row = graph.op("Expand", graph.constant(first, "class"), shape)
    x = graph.op("Concat", class_row, rows, axis=1)
    x = _norm(graph, graph.reshape(x, -1, width), tower.ln_pre, "ln_pre")
    found: dict[int, str] = {}
    for index in range(max(taps) + 1):
        block = tower.transformer.resblocks[index]
        x = _residual_block(graph, x, block, f"blocks.{index}", tokens, causal=False)
        if index in taps:
            level = decoder.config.order.index(taps.index(index))
            layer, label = decoder.reduces[level], f"reduces.{level}"
            # Never in 8 bits: these sums are what the whole decoder reads.
            weight, bias = graph.weight(array(layer.weight).T, f"{label}.weight"), graph.constant(array(layer.bias), f"{label}.bias")
            found[index] = graph.reshape(graph.op("Gemm", x, weight, bias), -1, tokens, decoder.config.reduce)
    for name, tap in zip(level_names(model), taps):
        graph.output(found[tap], name, ["N", tokens, decoder.config.reduce])
    return graph


def text_graph(model: HifiCs, precision: Precision) -> Graph:
    clip = model.clip
    width = clip.config.text_width
    graph = Graph("text", precision)
    ids = graph.input("input_ids", TensorProto.INT64, ["Q", "T"])
    table = array(clip.token_embedding.weight)
    if precision.kind == FP32:
        x = graph.op("Gather", graph.constant(table, "token_embedding"), ids)
    else:
        # Looked up in half precision: widening the whole table at start would cost 100 MB for nothing.
        looked_up = graph.op("Gather", graph.constant(table.astype(np.float16), "token_embedding"), ids)
        x = graph.op("Cast", looked_up, to=TensorProto.FLOAT)
    length = graph.op("Shape", ids, start=1, end=2)
    positions = graph.constant(array(clip.positional_embedding), "positions")
    x = graph.op("Add", x, graph.op("Slice", positions, graph.ints(0), length, graph.ints(0)))
    x = graph.reshape(x, -1, width)
    graph.nodes.append(_named_shape(graph, length, width))
    for index, block in enumerate(clip.transformer.resblocks):
        x = _residual_block(graph, x, block, f"blocks.{index}", -1, causal=True)
    x = graph.op("Reshape", x, "rows_shape")
    # The end-of-text token has the highest id; rows after it are padding that causal attention never let in.
    end = graph.op("ArgMax", graph.op("Cast", ids, to=TensorProto.INT32), axis=1, keepdims=1)
    pooled = _norm(graph, graph.op("GatherND", x, end, batch_dims=1), clip.ln_final, "ln_final")
    projected = graph.linear(pooled, "text_projection", array(clip.text_projection.T))
    graph.output(projected, "sentence", ["Q", clip.config.embed])
    return graph


def _named_shape(graph: Graph, length: str, width: int):
    from onnx import helper

    return helper.make_node("Concat", [graph.ints(-1), length, graph.ints(width)], ["rows_shape"], axis=0)


def decoder_graph(model: HifiCs, side: int = INPUT_SIDE) -> Graph:
    """One frame, Q sentences. What depends on the frame alone is computed once, whatever Q is."""
    decoder, config = model.decoder, model.decoder.config
    graph = Graph("decoder", Precision(FP32))
    grid = side // config.patch
    tokens, reduce = grid * grid + 1, config.reduce
    levels = [graph.input(name, TensorProto.FLOAT, [1, tokens, reduce]) for name in level_names(model)]
    condition = graph.input("sentence", TensorProto.FLOAT, ["Q", config.embed])
    if config.reduce_cond is not None:
        condition = graph.linear(condition, *_linear("reduce_cond", decoder.reduce_cond))
    x: str | None = None
    for level, tap in enumerate(config.order):
        reduced = levels[tap]
        x = reduced if x is None else graph.op("Add", graph.reshape(x, -1, tokens, reduce), reduced)
        names = [config.film_name(kind, level) for kind in ("mul", "add")]
        if names[0] is not None and names[1] is not None:
            films = (graph.linear(condition, *_linear(name, getattr(decoder, name))) for name in names if name)
            scale, shift = (graph.reshape(film, -1, 1, reduce) for film in films)
            x = graph.op("Add", graph.op("Mul", scale, x), shift)
        x = graph.reshape(x, -1, reduce)
        block, name = decoder.blocks[level], f"blocks.{level}"
        mixed = _attention(graph, x, block.self_attn, f"{name}.self_attn", tokens, DECODER_HEADS, causal=False)
        x = _norm(graph, graph.op("Add", x, mixed), block.norm1, f"{name}.norm1")
        hidden = graph.op("Relu", graph.linear(x, *_linear(f"{name}.linear1", block.linear1)))
        out = graph.linear(hidden, *_linear(f"{name}.linear2", block.linear2))
        x = _norm(graph, graph.op("Add", x, out), block.norm2, f"{name}.norm2")
    assert x is not None
    # Stride equals kernel, so the transposed convolution is one product and a rearrangement.
    patch = config.patch
    planes = graph.op("Slice", graph.reshape(x, -1, tokens, reduce), graph.ints(1), graph.ints(tokens), graph.ints(1))
    kernel = array(decoder.trans_conv.weight).reshape(reduce, patch * patch).T
    bias = np.full(patch * patch, array(decoder.trans_conv.bias)[0], np.float32)
    painted = graph.linear(graph.reshape(planes, -1, reduce), "trans_conv", kernel, bias)
    painted = graph.reshape(painted, -1, grid, grid, patch, patch)
    painted = graph.op("Transpose", painted, perm=[0, 1, 3, 2, 4])
    painted = graph.reshape(painted, -1, 1, grid * patch, grid * patch)
    graph.output(painted, "logits", ["Q", 1, grid * patch, grid * patch])
    return graph
