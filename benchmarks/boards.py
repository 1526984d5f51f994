"""The data sets of `scoreboard.py`: what each is, who measured it, and the command that scores it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Line(NamedTuple):
    """A target of a data set.

    Attributes
    ----------
    name
        The row of the result that is its score: its `name`, its `device`, or ``total``, the first.
    words
        What it is.
    """

    name: str
    words: str

    def of(self, found: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Its row of a result; None where there is none."""
        if self.name == "total":
            row: Mapping[str, Any] = found["results"][0]
            return row
        return next((row for row in found["results"] if self.name in (row.get("name"), row.get("device"))), None)


class Board(NamedTuple):
    """A data set.

    Attributes
    ----------
    name
        Of its file in `reports/scores`.
    kind
        Of processor.
    data
        File or folder below the folder of the data.
    script, options
        What scores it.
    measured
        Numbers of measured networks; (0,) for a script that takes none.
    left_out
        What the predictions know nothing of.
    blind
        What was chosen on the same data.
    ceiling
        How far a second measurement is from the first.
    peers
        What others publish on the same data; empty where nothing comparable was found.
    """

    name: str
    title: str
    kind: str
    words: str
    source: str
    data: str
    script: str
    options: tuple[str, ...]
    measured: tuple[int, ...]
    lines: tuple[Line, ...]
    left_out: str
    blind: str
    ceiling: str
    peers: str = ""


_ALL: Final = (0, 1, 3, 10, 30)
_CHOSEN: Final = "The form was chosen on these data, on networks that were left out; whole devices were not set aside."

BOARDS: Final = (
    Board(
        name="nn_meter",
        title="nn-Meter bench",
        kind="phone CPU, GPU, VPU",
        words="2,216 networks of 11 families in fp32 on a Pixel 4's CPU, a Xiaomi Mi 9's GPU and an Intel NCS2.",
        source="Zhang et al., MobiSys 2021 (MIT)",
        data="nn_meter_bench",
        script="nn_meter_bench.py",
        options=("--device", "all", "--protocol", "S"),
        measured=(0, 10, 30),
        lines=(
            Line("cortexA76cpu_tflite21", "Cortex-A76, TFLite 2.1"),
            Line("adreno640gpu_tflite21", "Adreno 640, TFLite 2.1"),
            Line("myriadvpu_openvino2019r2", "Myriad X, OpenVINO 2019 R2"),
        ),
        left_out="random networks",
        blind="The rates that ship are fitted on these devices: 0 measured networks is not blind here.",
        ceiling="two measurements of a network are within 10 % in 91.5 % (CPU) and 100 % (GPU, VPU) of pairs",
        peers="nn-Meter's kernel regressors, trained on about 57,000 kernels a device: within 10 % in 99.0 % (CPU), "
        "99.1 % (GPU), 83.4 % (VPU)",
    ),
    Board(
        name="phones_iitm",
        title="46 phones, TFLite of 2020",
        kind="phone CPU",
        words="118 networks with dynamic-range weights on the CPUs of 46 phones, one thread.",
        source="Ganesan et al., IISWC 2020 (Apache-2.0)",
        data="phones_iitm",
        script="phones.py",
        options=("--protocol", "new-phone"),
        measured=_ALL,
        lines=(Line("total", "a phone that was not measured"),),
        left_out="the phone",
        blind=_CHOSEN,
        ceiling="runs of a network scatter by 2 to 3 %",
    ),
    Board(
        name="phones_qed",
        title="4 phones, TFLite 2.10",
        kind="phone CPU",
        words="72 networks in fp32 and int8 on every cluster and number of threads.",
        source="Li, Paolieri, Golubchik, Performance Evaluation 2024 (MIT)",
        data="phones_qed",
        script="phones.py",
        options=("--protocol", "new-phone"),
        measured=_ALL,
        lines=(
            Line("precision: tflite-2.10 fp32", "fp32, any cluster and number of threads"),
            Line("precision: tflite-2.10 int8", "int8, any cluster and number of threads"),
        ),
        left_out="the phone",
        blind=_CHOSEN,
        ceiling="runs of a network scatter by 0.2 % (Cortex-A76) to 10 % (little clusters)",
    ),
    Board(
        name="ncnn",
        title="77 boards and phones, ncnn",
        kind="CPU of boards and phones",
        words="27 networks in fp32 or fp16 and 8 in int8.",
        source="benchmark page of ncnn, 2026 (BSD-3)",
        data="ncnn",
        script="phones.py",
        options=("--protocol", "new-phone"),
        measured=(0, 1, 3, 10),
        lines=(
            Line("processor: Arm, 1 thread, fp32", "Arm, one thread, fp32"),
            Line("processor: Arm, 1 thread, fp16", "Arm, one thread, fp16"),
            Line("processor: Arm, several threads, fp16", "Arm, several threads, fp16"),
            Line("processor: other, 1 thread, fp32", "x86 and RISC-V, one thread, fp32"),
        ),
        left_out="the device",
        blind=_CHOSEN,
        ceiling="one chip at two users differs by 11 % after one factor (median)",
    ),
    Board(
        name="phone_gpus",
        title="Phone GPUs, TFLite 2.10",
        kind="phone GPU",
        words="72 networks in fp16 by the GPU delegate on Adreno, Apple and PowerVR.",
        source="Li, Paolieri, Golubchik, Performance Evaluation 2024 (MIT)",
        data="phones_qed",
        script="phone_gpus.py",
        options=("--protocol", "new-gpu"),
        measured=_ALL,
        lines=(
            Line("designer: adreno", "Adreno 640 and 616"),
            Line("designer: apple", "Apple A12, no other of its designer known"),
            Line("designer: powervr", "PowerVR GE8320, no other of its designer known"),
        ),
        left_out="the GPU",
        blind="The form was chosen on 54 of the 72 networks. Known are the GPUs of this data set alone.",
        ceiling="not measured",
    ),
    Board(
        name="phone_gpus_2020",
        title="Phone GPUs, TFLite of 2020",
        kind="phone GPU",
        words="118 networks by the GPU delegate on 11 phones with Adreno and Mali.",
        source="Ganesan et al., IISWC 2020 (Apache-2.0)",
        data="phones_iitm",
        script="phone_gpus.py",
        options=("--protocol", "new-gpu"),
        measured=_ALL,
        lines=(Line("designer: adreno", "Adreno 540, 630, 640"), Line("designer: mali", "Mali-G76, G77")),
        left_out="the GPU or the phone",
        blind="The form was chosen on other phones' kernels. Known are the GPUs of this data set alone.",
        ceiling="not measured",
    ),
    *(
        Board(
            name=f"hexagon_{runtime}_{precision}",
            title=f"Hexagon, {title}, {precision}",
            kind="phone NPU",
            words="Networks of Qualcomm AI Hub on Snapdragon devices.",
            source="Qualcomm AI Hub Models, release of 2026-10 (BSD-3)",
            data="ai_hub/latencies.csv",
            script="ai_hub.py",
            options=("--runtime", runtime, "--precision", precision, "--protocol", "new-device"),
            measured=_ALL,
            lines=(Line("total", "convolutional networks, a device that was not measured"),),
            left_out="the device, and those that quote the same jobs",
            blind="Terms were chosen on three quarters of the networks, on all devices.",
            ceiling="two jobs of a network are within 10 % in 95 % of pairs",
        )
        for runtime, title, precision in (
            ("tflite", "TFLite", "float"),
            ("tflite", "TFLite", "w8a8"),
            ("qnn_dlc", "QNN", "float"),
            ("qnn_dlc", "QNN", "w8a8"),
        )
    ),
    Board(
        name="rockchip",
        title="Rockchip NPUs",
        kind="board NPU",
        words="RKNN model zoo in int8 on RK3562 to RK3588.",
        source="rknn_model_zoo, typed (Apache-2.0)",
        data="npu/edge_npus.csv",
        script="npus.py",
        options=("--protocol", "new-network"),
        measured=(0, 1, 3, 10),
        lines=(Line("total", "networks that were not measured"),),
        left_out="the networks",
        blind=_CHOSEN,
        ceiling="not measured",
    ),
    Board(
        name="hailo",
        title="Hailo NPUs",
        kind="board NPU",
        words="Hailo model zoo in int8, batch 1.",
        source="hailo_model_zoo (MIT)",
        data="npu/hailo.csv",
        script="npus.py",
        options=("--protocol", "new-network"),
        measured=_ALL,
        lines=(Line("total", "networks that were not measured"),),
        left_out="the networks",
        blind=_CHOSEN,
        ceiling="not measured; the host lets a Hailo-10H through 3,704 frames/s at most",
    ),
    Board(
        name="dpu",
        title="Xilinx DPUs",
        kind="FPGA",
        words="499 networks of the MnasNet space, Vitis AI 2.5.",
        source="Accel-NASBench, DAC 2024 (Apache-2.0)",
        data="fpga/accel_nasbench_dpu.csv",
        script="accel_nasbench.py",
        options=("--device", "zcu102,vck190", "--part", "other"),
        measured=(0, 3, 10, 30),
        lines=(Line("zcu102", "ZCU102, batch 1"), Line("vck190", "VCK190, batch 6")),
        left_out="random networks",
        blind="The form was chosen on the other half of the table. The rates that ship are fitted on these boards: 0 "
        "is not blind.",
        ceiling="two measurements differ by 0.06 % (ZCU102) and 0.3 % (VCK190)",
    ),
    Board(
        name="timm",
        title="PyTorch on an x86 CPU",
        kind="server CPU",
        words="200 of timm's networks compiled by PyTorch 2.4 on an i9-10940X, fp32, batch 1.",
        source="timm's benchmark results (Apache-2.0)",
        data="timm/benchmark-infer-fp32-nchw-pt240-cpu-i9_10940x-dynamo.csv",
        script="timm_cpu.py",
        options=(),
        measured=(0, 3, 10, 30),
        lines=(Line("total", "i9-10940X, of which the file does not say how many threads ran"),),
        left_out="the machine, and random networks",
        blind="Nothing was chosen on these data.",
        ceiling="not measured",
    ),
    *(
        Board(
            name=f"mcu_{protocol.replace('-', '_')}",
            title=f"Microcontrollers, {title}",
            kind="microcontroller",
            words="Four networks of MLPerf Tiny in int8 and fp32, rounds 0.7 to 1.2.",
            source="MLPerf Tiny results (Apache-2.0)",
            data="mcu/mlperf_tiny.csv",
            script="mlperf_tiny.py",
            options=("--protocol", protocol),
            measured=(0,),
            lines=(Line("total", words),),
            left_out=left_out,
            blind=_CHOSEN,
            ceiling="not measured",
        )
        for protocol, title, words, left_out in (
            ("new-board", "new board", "a board whose core and runtime others have", "the board"),
            ("new-network", "new network", "a network of a board of which three others are known", "the network there"),
            ("unknown-network", "unknown network", "a network that no board was measured with", "the network"),
        )
    ),
)
