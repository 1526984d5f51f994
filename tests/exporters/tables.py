"""Small networks that together have every operator that can be written."""

from __future__ import annotations

from typing import Final

from mbcost.architectures.loader import read_architecture
from mbcost.exporters.lowering import lower
from mbcost.exporters.program import Program
from mbcost.files import parse_yaml
from mbcost.graph import LayerGraph, build_graph

HEAD: Final = "name: {name}\nsource: a test\ninput: 13x10x6\nlayers:\n"

TABLES: Final = {
    "windows": """
  - {op: conv2d, out: 8, kernel: [3, 5], stride: [2, 1], bias: true}
  - {op: conv2d, out: 8, kernel: 3, dilation: 2, padding: [2, 2, 1, 3], groups: 2}
  - {op: batch_norm}
  - {op: relu6}
  - {op: depthwise_conv2d, kernel: 3, stride: 1, multiplier: 2, padding: [1, 0, 0, 1]}
  - {op: conv2d, out: 6, kernel: 1}
  - {op: leaky_relu, slope: 0.1}
  - {op: depthwise_conv2d, kernel: 5, stride: 2, dilation: 1, padding: same, bias: true}
""",
    "transposed": """
  - {op: transposed_conv2d, out: 4, kernel: 3, stride: 2}
  - {op: batch_norm}
  - {op: relu}
  - {op: transposed_conv2d, out: 3, kernel: 4, stride: 2, padding: [1, 1, 1, 1], bias: true}
  - {op: transposed_conv2d, out: 5, kernel: 3, stride: 2, padding: [1, 1, 0, 1], output_padding: [1, 0]}
  - {op: transposed_conv2d, out: 2, kernel: 2, stride: 1, padding: valid}
""",
    "pools": """
  - {name: a, op: max_pool2d, kernel: 3, stride: 2}
  - {name: b, op: max_pool2d, inputs: input, kernel: 3, stride: 2, padding: [1, 1, 1, 1], ceil_mode: true}
  - {name: c, op: avg_pool2d, inputs: a, kernel: 3, stride: 1}
  - {name: d, op: avg_pool2d, inputs: b, kernel: 3, stride: 1, padding: [1, 1, 1, 1]}
  - {name: e, op: relu, inputs: d}
  - {name: f, op: max_pool2d, inputs: e, kernel: 3, stride: 2, padding: [1, 1, 1, 1]}
  - {name: g, op: adaptive_avg_pool2d, inputs: c, size: [3, 4]}
  - {name: h, op: adaptive_avg_pool2d, inputs: f, size: [1, 1]}
  - {name: i, op: global_max_pool, inputs: g}
  - {name: j, op: add, inputs: [h, i]}
  - {name: k, op: global_avg_pool, inputs: d}
  - {name: l, op: concat, inputs: [j, k]}
  - {op: dense, out: 5}
  - {op: softmax}
""",
    "functions": """
  - {op: elu}
  - {op: gelu}
  - {op: tanh}
  - {op: prelu}
  - {op: swish}
  - {op: hard_swish}
  - {op: hard_sigmoid}
  - {op: scale, weights: 6}
  - {op: shift}
  - {op: sigmoid}
  - {op: batch_norm}
  - {op: l2_norm}
  - {op: softmax}
""",
    "arithmetic": """
  - {name: a, op: tanh}
  - {name: b, op: sigmoid, inputs: a}
  - {name: c, op: subtract, inputs: [a, b]}
  - {name: d, op: relu, inputs: c}
  - {name: e, op: divide, inputs: [a, b]}
  - {name: f, op: maximum, inputs: [d, e]}
  - {name: g, op: minimum, inputs: [f, b]}
  - {name: h, op: global_avg_pool, inputs: g}
  - {name: i, op: dense, out: 6, inputs: h}
  - {name: j, op: sigmoid, inputs: i}
  - {name: k, op: multiply, inputs: [g, j]}
  - {name: l, op: add, inputs: [k, a, f]}
  - {name: m, op: reduce, channels: true, inputs: l}
  - {name: n, op: reduce, height: true, width: true, inputs: l}
outputs: [m, n]
""",
    "movement": """
  - {name: a, op: split, parts: 3, part: 1}
  - {name: b, op: split, inputs: input, axis: height, sizes: [5, 8], part: 1}
  - {name: c, op: pad, inputs: b, padding: [2, 3, 0, 0]}
  - {name: d, op: concat, inputs: [a, c]}
  - {name: e, op: channel_shuffle, groups: 2, inputs: d}
  - {name: f, op: resize, size: [6, 8], inputs: e}
  - {name: g, op: resize, scale: [2, 2], method: nearest, inputs: f}
  - {name: h, op: space_to_depth, block: 2, inputs: g}
  - {name: i, op: depth_to_space, block: 4, inputs: h}
  - {name: j, op: reshape, shape: [16, 24, -1], inputs: i}
  - {name: k, op: concat, inputs: [j, j], axis: width}
  - {name: l, op: flatten, inputs: k}
  - {name: m, op: dense, out: 4, inputs: l}
  - {name: n, op: flatten, inputs: f}
outputs: [m, n]
""",
    "normalisations": """
  - {op: layer_norm}
  - {op: conv2d, out: 6, kernel: 3}
  - {op: instance_norm}
  - {op: group_norm, groups: 1}
  - {op: global_avg_pool}
  - {op: dense, out: 5}
  - {op: layer_norm, affine: false}
  - {op: softmax}
""",
    "attention": """
  - {name: a, op: dense, out: 4}
  - {name: b, op: dense, out: 4, inputs: input}
  - {name: c, op: matmul, transpose_b: true, inputs: [a, b]}
  - {name: d, op: softmax}
  - {name: e, op: matmul, inputs: [d, b]}
  - {name: f, op: transpose, shape: [10, 4, 13], inputs: e}
  - {name: g, op: transpose, shape: [1, 20, 26], inputs: f}
  - {name: h, op: crop, shape: [1, 7, 9], inputs: g}
  - {name: i, op: tile, shape: [2, 14, 9], inputs: h}
  - {name: j, op: constant, shape: [1, 14, 9], weights: 126, inputs: i}
  - {name: k, op: add, inputs: [i, j]}
""",
    "rare": """
  - {op: mish}
  - {op: lrn, size: 3}
  - {op: softplus}
""",
    "identities": """
  - {name: a, op: conv2d, out: 6, kernel: 3}
  - {name: b, op: adaptive_avg_pool2d, size: [13, 10], inputs: a}
  - {name: c, op: relu, inputs: b}
  - {name: d, op: batch_norm, inputs: a}
  - {name: e, op: relu6, inputs: d}
  - {name: f, op: add, inputs: [c, e]}
  - {name: g, op: batch_norm, inputs: f}
  - {name: h, op: relu, inputs: g}
  - {name: i, op: concat, inputs: [g]}
  - {name: j, op: concat, inputs: [h]}
outputs: [g, h, i, j, d]
""",
    "ranks": """
  - {op: dense, out: 7}
  - {op: relu}
  - {op: global_avg_pool}
  - {op: dense, out: 9}
  - {op: relu6}
  - {op: batch_norm}
  - {op: prelu}
  - {op: scale, weights: 9}
  - {op: conv2d, out: 4, kernel: 1}
  - {op: softmax}
""",
}


def graph_of(name: str) -> LayerGraph:
    """The graph of one of the tables."""
    layers, _, rest = TABLES[name].partition("outputs:")
    text = HEAD.format(name=name) + layers.strip("\n") + (f"\noutputs:{rest}" if rest else "\n")
    return build_graph(read_architecture(parse_yaml(text, f"{name}.yaml")))


def program_of(name: str) -> Program:
    return lower(graph_of(name), 0)
