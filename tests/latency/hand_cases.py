"""A layer of every latency form, worked out by hand: counts from its shapes, rates from data sheets and rules.

Nothing here comes from running mbcost: each figure is what its comment says, in the equation that the form's own module
states. ``tests/latency/test_hand_cases.py`` asks a case of every form in :data:`mbcost.latency.FORMS`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from math import exp
from pathlib import Path
from typing import Any

import yaml

from mbcost.resources import hardware_profiles

#: Memory bandwidth [B/s], clocks [Hz] and peaks [MAC/s] of the profiles, each with its source there.
PIXEL4_BYTES = 33.4e9
PIXEL4_HZ = 2.84e9
PIXEL4_MACS = 22.72e9
#: A profile of an accelerator of the user's own.
OWN_NPU = str(Path(__file__).parents[2] / "examples" / "my_accelerator.yaml")


@dataclass(frozen=True, slots=True)
class HandCase:
    """One layer on a target, and how long it takes.

    Attributes
    ----------
    target, precision
        Where it runs, without a calibration.
    shape, row
        The input (height x width x channels) and the only layer, as a table has them.
    seconds
        Its latency by hand [s].
    kind
        The kernel that the runtime makes of it.
    """

    form: str
    target: str
    precision: str
    shape: str
    row: str
    kind: str
    seconds: float


def _tflite(gemm_macs: int, weight_bytes: int) -> float:
    """tflite-2.1.yaml: 0.8892 MAC a lane and cycle on 4 lanes; 0.3219 and 0.3087 of the bandwidth.

    A 1x1 convolution of 7 x 7 x 16 to 8 channels: activations are 4 B x 49 pixels x (16 + 8) channels.
    """
    gemm = gemm_macs / (0.8892 * 4 * PIXEL4_HZ)
    return gemm + weight_bytes / (0.3219 * PIXEL4_BYTES) + 4 * 49 * (16 + 8) / (0.3087 * PIXEL4_BYTES)


def _npu(rates: str, npu: str, counts: dict[str, float]) -> float:
    """Counts times the seconds a count of an average NPU, of its scale and its shape (rates that ship)."""
    file = json.loads((hardware_profiles() / "rates" / f"{rates}.json").read_text(encoding="utf-8"))
    own = file["cores"][npu]
    return sum(
        count * file["cycles"][term] * exp(own["scale"]) * own["shape"].get(term, 1.0) for term, count in counts.items()
    )


def _open(work: float, call: float) -> float:
    """pytorch_gpu.py: ((w^q + c^q)^(1/q) - w) / c of a call's time, q = 1.5."""
    return ((work**1.5 + call**1.5) ** (1 / 1.5) - work) / call


def _pixel4(rates: str, counts: dict[str, int]) -> float:
    """Counts by hand times the cycles of a Kryo 485 Gold: the average core's, its scale and its shape, at 2.84 GHz."""
    file: Any = json.loads((hardware_profiles() / "rates" / f"{rates}.json").read_text(encoding="utf-8"))
    core = file["cores"]["kryo_485_gold"]
    average = file["cycles"] | file["variants"].get("dotprod", {})
    each = {term: value * exp(core["scale"]) * core.get("shape", {}).get(term, 1) for term, value in average.items()}
    return sum(count * each[term] for term, count in counts.items()) / PIXEL4_HZ


def _micro(rates: str, core: str, device: str, hertz: float, counts: dict[str, int]) -> float:
    """Counts by hand times the cycles of a core on a board that was measured: the average's, its scale and shape."""
    file: Any = json.loads((hardware_profiles() / "rates" / f"{rates}.json").read_text(encoding="utf-8"))
    own = file["cores"][core]
    scale = exp(own["boards"][device][0])
    return sum(count * file["cycles"][term] * scale * own["shape"][term] for term, count in counts.items()) / hertz


def _adreno640(counts: dict[str, float]) -> float:
    """Counts by hand times what an Adreno 640 takes for each: its designer's average, its scale and its shape.

    Arithmetic is in fp32 multiply-adds of 449.28 G/s, latencies in cycles of 585 MHz, traffic in bytes of 30.1 GB/s.
    """
    file: Any = json.loads((hardware_profiles() / "rates" / "tflite-gpu-2.10-fp16.json").read_text(encoding="utf-8"))
    gpu, average = file["cores"]["adreno_640"], file["variants"]["adreno"]
    found = 0.0
    for term, count in counts.items():
        units = average[term] * gpu["shape"].get(term, 1)
        if term in ("constants", "reads"):
            found += count * units * exp(gpu["scale"]) / 449.28e9
        elif term == "latency":
            found += count * units * exp(gpu["scale"]) / 585e6
        elif term in ("input", "output"):
            found += count * units * exp(gpu["scale"]) / 30.1e9
        else:
            found += count * units
    return found


def _shares(runtime: str, counts: dict[str, int]) -> float:
    """Counts by hand times the rates of a runtime's parameters on a Pixel 4 (shares.py): 22.72 GMAC/s and 33.4 GB/s."""
    text = (files("mbcost.kernels.runtimes") / f"{runtime}.yaml").read_text(encoding="utf-8")
    values = {name: entry["value"] for name, entry in yaml.safe_load(text)["parameters"].items()}
    found = 0.0
    for term, count in counts.items():
        if f"{term}_efficiency" in values:
            found += count / (values[f"{term}_efficiency"] * PIXEL4_MACS)
        elif f"{term}_bandwidth_ratio" in values:
            found += count / (values[f"{term}_bandwidth_ratio"] * PIXEL4_BYTES)
        elif f"{term}_macs" in values:
            found += count * values[f"{term}_macs"] / PIXEL4_MACS
        else:
            found += count * values[f"{term}_time"]
    return found


_POINTWISE = "op: conv2d 1x1, out: 8"

#: An A100's relu of 64 x 64 x 16 in fp32: 2 x 4 B x 65,536 elements, within a cache of 4 MiB (its profile has no `l2`).
_A100_BYTES = 2 * 4 * 64 * 64 * 16

CASES: tuple[HandCase, ...] = (
    # cpu_gemm.py: rows and columns in tiles of 8: 49 pixels take the place of 56
    HandCase("cpu_gemm", "pixel4@tflite-2.1", "fp32", "7x7x16", _POINTWISE, "pointwise",
             _tflite(56 * 8 * 16, 4 * 16 * 8)),
    # cpu_eigen.py: tiles of 4 (52 pixels), 8 more steps of the depth; the filter crosses the memory three times
    HandCase("cpu_eigen", "pixel4@tflite-2018", "fp32", "7x7x16", _POINTWISE, "pointwise",
             _tflite(52 * 8 * (16 + 8), 3 * 4 * 16 * 8)),
    # cpu_indirect.py: 3x3 without lowering, 6 pixels (54 for 49) and 8 channels at a time
    HandCase("cpu_indirect", "pixel4@xnnpack-2020", "fp32", "7x7x16", "op: conv2d 3x3, out: 8", "direct_conv",
             _tflite(54 * 8 * 9 * 16, 4 * 9 * 16 * 8)),
    # dpu.py, B4096 (PG338: 8 pixels, 16 x 16 channels): 2 x 14 lines x 9 taps x 1 x 2 steps; weights arrive in
    # 4,608 B / 32 = 144 cycles; 9,408 B of maps stay in 512 KiB. 0.9891 cycles a step at 281 MHz, 0.5 ms a call
    HandCase("dpu", "zcu102", "int8", "14x14x16", "op: conv2d 3x3, out: 32", "direct_conv",
             max(2 * 14 * 9 * 1 * 2, 4608 / 32) * 0.9891 / 281e6 + 0.0005),
    # compiled_npu.py: 16 and 48 channels take the place of 32 and 64; maps of 28 x 28 stay on the chip
    HandCase("compiled_npu", "rk3588/npu", "int8", "28x28x16", "op: conv2d 3x3, out: 48", "direct_conv",
             _npu("rknn-int8", "RKNPU (RK3588)",
                  {"array": 28 * 28 * 9 * 32 * 64, "weights": 9 * 16 * 48, "layers": 1, "call": 1})),
    # ethos_u.py: a sigmoid takes 4 times a result of a convolution, of which 4 leave in a cycle of 500 MHz; maps move
    # at 4 GB/s of the SRAM at the same time
    HandCase("ethos_u", "ethos_u55_256", "int8", "8x8x16", "op: sigmoid", "elementwise",
             max(1024 * 4 / 4 / 500e6, (1024 + 1024) / 4e9)),
    # hexagon_htp.py: 30 x 30 in tiles of 8 x 4 are 32 x 32; 48 and 40 channels take the place of 64; seconds a count
    # are those of the rates that ship
    HandCase("hexagon_htp", "galaxy_s24/npu", "int8", "30x30x40", "op: conv2d 3x3, out: 48", "direct_conv",
             _npu("tflite-htp-int8", "Hexagon v75 (Snapdragon 8 Gen 3)",
                      {"engine": 32 * 32 * 9 * 64 * 64, "weights": 9 * 40 * 48, "call": 1})),
    # hexagon_hvx.py: 16 channels padded to 32; 2 multipliers x 128 B x 2 contexts a cycle of 500 MHz; traffic at
    # 29.9 GB/s; 0.3 ms a call
    HandCase("hexagon_hvx", "galaxy_s8/dsp@hexagon-hvx", "int8", "8x8x16", "op: conv2d 3x3, out: 32", "direct_conv",
             64 * 9 * 32 * 32 / (2 * 128 * 2) / 500e6 + (9 * 16 * 32 + 64 * 16 + 64 * 32) / 29.9e9 + 0.0003),
    # hls_tiling.py (Zhang et al. 2015): <Tm, Tn> = <32, 22> covers the channels, 56 x 56 the pixels: 196 x 9 cycles of
    # 200 MHz while 14 x 14 x (16 + 32) + 4,608 B move at 12.8 GB/s, then 20 cycles of the pipeline
    HandCase("hls_tiling", "zc706", "int8", "14x14x16", "op: conv2d 3x3, out: 32", "direct_conv",
             max(196 * 9 / 200e6, (196 * (16 + 32) + 4608) / 12.8e9) + 20 / 200e6),
    # mcu.py: 7 x 7 x 16 to 8 channels in int8 at 120 MHz: 6,272 MACs, 392 results, 128 weights, one layer
    HandCase("mcu", "nucleo_l4r5zi@x-cube-ai-9.0", "int8", "7x7x16", _POINTWISE, "pointwise",
             _micro("x-cube-ai-9.0-int8", "cortex_m4", "nucleo_l4r5zi", 120e6,
                    {"pointwise": 49 * 16 * 8, "outputs": 49 * 8, "weights": 16 * 8, "layers": 1})),
    # ncnn_cpu.py: 2 x 2 of Winograd's tiles, 64 products each for 16 x 16 channels, 64 numbers for 16 + 16; fp32 packs
    # 4 channels, so that nothing is unpacked
    HandCase("ncnn_cpu", "pixel4@ncnn", "fp32", "12x12x16", "op: conv2d 3x3, out: 16", "direct_conv",
             _pixel4("ncnn-fp32", {"winograd": 4 * 64 * 16 * 16, "tiles": 4 * 64 * (16 + 16), "outputs": 144 * 16,
                                   "gathered": 144 * 16, "weights": 9 * 16 * 16, "call": 1})),
    # the same with 256 channels: more than 128 are computed in tiles of 4 x 4 pixels with 6 x 6 products, 2 x 2 of them
    HandCase("ncnn_cpu", "pixel4@ncnn", "fp32", "7x7x256", "op: conv2d 3x3, out: 256", "direct_conv",
             _pixel4("ncnn-fp32", {"winograd": 4 * 36 * 256 * 256, "tiles": 4 * 36 * (256 + 256), "outputs": 49 * 256,
                                   "gathered": 49 * 256, "weights": 9 * 256 * 256, "call": 1})),
    # 28 channels are packed by 4 at fp16, where a depthwise convolution has no kernel of its own; 32 are packed by 8
    HandCase("ncnn_cpu", "pixel4@ncnn", "fp16", "8x8x28", "op: depthwise_conv2d 3x3", "depthwise",
             _pixel4("ncnn-fp16", {"loop": 64 * 9 * 28, "call": 1})),
    HandCase("ncnn_cpu", "pixel4@ncnn", "fp16", "8x8x32", "op: depthwise_conv2d 3x3", "depthwise",
             _pixel4("ncnn-fp16", {"depthwise": 64 * 9 * 32, "call": 1})),
    # openvino_myriad.py: h-swish is six passes over 1,024 elements, 0.57 cycles of 700 MHz each; 15.6 us a stage,
    # 0.74 ms an inference
    HandCase("openvino_myriad", "intel_ncs2", "fp16", "8x8x16", "op: hard_swish", "elementwise",
             6 * 1024 * 0.57 / 700e6 + 1.56e-5 + 0.00074),
    # pytorch_cpu.py: a single row is a matrix times a vector: weights and bias at 1.02 of the bandwidth, 36 us a call
    HandCase("pytorch_cpu", "pixel4@pytorch-eager", "fp32", "1x1x256", "op: dense, out: 100", "dense",
             4 * (256 * 100 + 100) / (1.02 * PIXEL4_BYTES) + 3.6e-05),
    # pytorch_nhwc.py: tiles of 4 pixels (52) and 16 channels (32 for 24) at 0.955 of the peak; 1,536 B of weights at
    # 0.598, 7,840 B of maps at 0.473 of the bandwidth; 20.4 us a call
    HandCase("pytorch_nhwc", "pixel4@pytorch-channels-last", "fp32", "7x7x16", "op: conv2d 1x1, out: 24", "pointwise",
             52 * 32 * 16 / (0.955 * PIXEL4_MACS) + 4 * 16 * 24 / (0.598 * PIXEL4_BYTES)
             + 4 * 49 * (16 + 24) / (0.473 * PIXEL4_BYTES) + 2.04e-05),
    # pytorch_nhwc.py, compiled: a loop reads and writes 1,024 elements at 1.04 of the bandwidth, 1 ns an exponential,
    # 8.55 us a call
    HandCase("pytorch_inductor", "pixel4@pytorch-compile", "fp32", "8x8x16", "op: sigmoid", "elementwise",
             2 * 4 * 1024 / (1.04 * PIXEL4_BYTES) + 1024 * 1e-9 + 8.55e-6),
    # pytorch_gpu.py: the cache gives 2.5 times 2,039 GB/s; of a launch of 5 us stays open what this work
    # does not hide
    HandCase("pytorch_gpu", "a100@pytorch-cuda", "fp32", "64x64x16", "op: relu", "elementwise",
             _A100_BYTES / (2.5 * 2039e9) + _open(_A100_BYTES / (2.5 * 2039e9), 5e-6) * 5e-6),
    # the same kernel replayed: 2 us, whatever it does
    HandCase("pytorch_gpu_graph", "a100@pytorch-cuda-graph", "fp32", "64x64x16", "op: relu", "elementwise",
             _A100_BYTES / (2.5 * 2039e9) + 2e-6),
    # roofline.py (Williams et al. 2009): 192 lanes x 1,066 MHz x 2 in fp16 against 34.1 GB/s of maps and weights
    HandCase("roofline", "iphone_x/gpu", "fp16", "14x14x64", "op: conv2d 3x3, out: 64", "direct_conv",
             max(196 * 9 * 64 * 64 / (2 * 192 * 1066e6), 2 * (196 * (64 + 64) + 9 * 64 * 64) / 34.1e9)),
    # systolic.py (SCALE-Sim): weights stay in 64 x 64: 1 x 2 folds of 64 + 64 + 64 + 100 - 2 cycles of 480 MHz; a call
    # takes 0.1 ms
    HandCase("systolic", "edge_tpu", "int8", "10x10x64", "op: conv2d 1x1, out: 128", "direct_conv",
             (64 + 64 + 64 + 100 - 2) * 2 / 480e6 + 0.0001),
    # generic_npu.py: weights stay in 32 x 32: 2 x 4 folds of 32 + 32 + 32 + 100 - 2 cycles at 0.8 of 800 MHz, longer
    # than 8,192 weights at 12.8 GB/s take; a layer takes 1 us, a call 0.1 ms
    HandCase("generic_npu", OWN_NPU, "int8", "10x10x64", "op: conv2d 1x1, out: 128", "pointwise",
             (32 + 32 + 32 + 100 - 2) * 8 / (0.8 * 800e6) + 1e-6 + 1e-4),
    # tflite_adreno.py: 3x3 at stride 1 on whole groups, 16 x 16 pixels x 4 slices x 4 channels x 9 taps at 0.0435 of
    # 449.28 GMAC/s, and a launch of 1.26 us (nn-Meter bench)
    HandCase("tflite_adreno", "pixel4/gpu@tflite-gpu-2020", "fp32", "16x16x16", "op: depthwise_conv2d 3x3", "depthwise",
             16 * 16 * 4 * 4 * 9 / (0.0435 * 449.28e9) + 1.26e-6),
    # tflite_gpu.py: 16 x 8 weights in two slices of 4 take 256 B of an Adreno's 3,584 B of constant memory: 49 threads
    # do 4 steps of 4 x 4 MACs for each of 2 slices and read a texel a step; of a step's latency, 24.5 threads for each
    # of two shader processors hide 24.5 / 2,000. 49 x 16 and 49 x 8 numbers of 2 B are read and written
    HandCase("tflite_gpu", "pixel4/gpu@tflite-gpu-2.10", "fp16", "7x7x16", _POINTWISE, "pointwise",
             _adreno640({"constants": 49 * 4 * 2 * 16, "reads": 49 * 4,
                         "latency": 4 * ((0.01225**4 + 1) ** 0.25 - 0.01225), "input": 49 * 16 * 2,
                         "output": 49 * 8 * 2, "launch": 1, "dispatch": 1, "call": 1})),
    # tflite_hybrid.py: 20 channels take two vectors of 16; 6 filters are no multiple of 4
    HandCase("tflite_hybrid", "pixel4@tflite-2020-hybrid", "int8", "7x7x20", "op: conv2d 1x1, out: 6", "pointwise",
             _pixel4("tflite-2020-hybrid-int8", {"gemm": 49 * 6 * 32, "outputs": 49 * 6, "unaligned": 49 * 6 * 20,
                                                 "call": 1})),
    # tflite_xnnpack.py: tiles of 6 rows (54 for 49) and 8 columns; the window of 9 gathers 49 x 16 elements
    HandCase("tflite_xnnpack", "pixel4@tflite-2.10", "fp32", "7x7x16", "op: conv2d 3x3, out: 8", "direct_conv",
             _pixel4("tflite-2.10-fp32", {"gemm": 54 * 8 * 9 * 16, "outputs": 49 * 8, "gathered": 49 * 16,
                                          "weights": 9 * 16 * 8, "call": 1})),
    # litert_cpu.py: NEON's tile of 6 rows (54 for 49: 9 tiles) and 8 columns; a step a tile and element of the window
    HandCase("litert_cpu", "pixel4@litert", "fp32", "7x7x16", "op: conv2d 3x3, out: 8", "direct_conv",
             _shares("litert", {"igemm": 54 * 8 * 9 * 16, "steps": 9 * 9, "outputs": 54 * 8, "weights": 9 * 16 * 8,
                                "call": 1})),
    # onnxruntime_cpu.py: 19 x 19 of 7 x 7 x 9 places of the window are inside of the map; 8 filters take a block of 16
    HandCase("onnxruntime_cpu", "pixel4@onnxruntime", "fp32", "7x7x16", "op: conv2d 3x3, out: 8", "direct_conv",
             _shares("onnxruntime", {"window": 361 * 16 * 16, "loads": 361 * 16, "outputs": 49 * 8, "inputs": 49 * 16,
                                     "weights": 9 * 16 * 8, "conv_call": 1})),
    # openvino_cpu.py: the same places, and 8 filters in a block of 16; a swish is an exponential for each output
    HandCase("openvino_cpu", "pixel4@openvino", "fp32", "7x7x24", "op: conv2d 3x3, out: 8, activation: swish",
             "direct_conv",
             _shares("openvino", {"window": 361 * 24 * 16, "loads": 361 * 24, "outputs": 49 * 8, "inputs": 49 * 24,
                                  "activated": 49 * 8, "exponentials": 49 * 8, "weights": 9 * 24 * 8, "conv_call": 1})),
)  # fmt: skip
