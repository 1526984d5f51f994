# ruff: noqa: E501, W291  # the tools' own lines
"""Logs written by hand after the tools' sources, one a version whose output differs. All times are made up.

Each text names the file that prints it, with its commit, or where its output is quoted.
"""

from __future__ import annotations

import json
from typing import Final

#: benchmark_model.cc (tensorflow/tensorflow, tensorflow/lite/tools/benchmark, 08df8c40): one run, `Stat` of 2020 to 2023.
TFLITE: Final = """\
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [1]
INFO: Graph: [/data/local/tmp/mobilenet_v2_1.0_224.tflite]
INFO: #threads used for CPU inference: [1]
INFO: Loaded model /data/local/tmp/mobilenet_v2_1.0_224.tflite
INFO: Created TensorFlow Lite XNNPACK delegate for CPU.
INFO: The input model file size (MB): 13.9786
INFO: Initialized session in 12.345ms.
INFO: Running benchmark for at least 1 iterations and at least 0.5 seconds but terminate if exceeding 150 seconds.
INFO: count=21 first=25310 curr=23810 min=23651 max=25310 avg=23901.5 std=341

INFO: Running benchmark for at least 50 iterations and at least 1 seconds but terminate if exceeding 150 seconds.
INFO: count=50 first=23790 curr=23711 min=23590 max=24511 avg=23767.3 std=152

INFO: Inference timings in us: Init: 12345, First inference: 25310, Warmup (avg): 23901.5, Inference (avg): 23767.3
INFO: Note: as the benchmark tool itself affects memory footprint, the following is only APPROXIMATE.
INFO: Memory footprint delta from the start of the tool (MB): init=7.4 overall=22.1
"""

#: The same with `StatWithPercentiles` (xla/tsl/util/stats_calculator.h, 0adb5476), as logcat -v threadtime has it.
TFLITE_LOGCAT: Final = """\
07-14 13:14:52.097 22838 22838 I tflite  : Log parameter values verbosely: [0]
07-14 13:14:52.097 22838 22838 I tflite  : Num threads: [4]
07-14 13:14:52.097 22838 22838 I tflite  : Graph: [/data/local/tmp/mobilenet_v3_large_int8.tflite]
07-14 13:14:52.097 22838 22838 I tflite  : #threads used for CPU inference: [4]
07-14 13:14:52.097 22838 22838 I tflite  : Use gpu: [0]
07-14 13:14:52.115 22838 22838 I tflite  : Replacing 539 out of 548 node(s) with delegate (TfLiteXNNPackDelegate) node
07-14 13:14:52.190 22838 22838 I tflite  : Initialized session in 92.318ms.
07-14 13:14:52.859 22838 22838 I tflite  : count=3 first=235158 curr=200386 min=199462 max=235158 avg=211669 std=16613 p5=199462 median=200386 p95=235158
07-14 13:14:56.520 22838 22838 I tflite  : count=25 first=187533 curr=140990 min=140071 max=195121 avg=145528 std=13583 p5=140545 median=141253 p95=187533
07-14 13:14:56.521 22838 22838 I tflite  : Inference timings in us: Init: 92318, First inference: 235158, Warmup (avg): 211669, Inference (avg): 145528
"""

#: logcat -v time; every run alike (`OutputToStream` then prints `curr` and `(all same)`); the GPU delegate.
TFLITE_SAME: Final = """\
07-08 15:33:55.768 I/tflite  ( 5395): Graph: [/data/local/tmp/resnet18.tflite]
07-08 15:33:55.769 I/tflite  ( 5395): Use gpu : [1]
07-08 15:33:55.800 I/tflite  ( 5395): count=1 curr=9100
07-08 15:33:56.000 I/tflite  ( 5395): count=5 curr=9000(all same)
07-08 15:33:56.001 I/tflite  ( 5395): Inference timings in us: Init: 800000, First inference: 9100, Warmup (avg): 9100, Inference (avg): 9000
"""

#: Without severities and statistics, as the nightly builds of 2021 print.
TFLITE_SHORT: Final = """\
INFO: Initialized TensorFlow Lite runtime.
The input model file size (MB): 4.27635
Inference timings in us: Init: 5388, First inference: 101726, Warmup (avg): 92755.2, Inference (avg): 9.08659e+04
"""

#: stats_calculator.cc (xla/tsl/util, 2b746b8f), format_as_csv, sections of profile_summary_formatter.cc (177d5e6d).
TFLITE_CSV: Final = """\
============================== Run Order ==============================
node type, first, avg_ms, %, cdf%, mem KB, times called, name
HARD_SWISH, 0.41, 0.402, 21.3%, 21.3%, 0, 1, [l2/hard_swish]:1
TfLiteXNNPackDelegate, 1.49, 1.485, 78.7%, 100%, 0, 1, [l3\tl4]:17

============================== Top by Computation Time ==============================
node type, first, avg_ms, %, cdf%, mem KB, times called, name
TfLiteXNNPackDelegate, 1.49, 1.485, 78.7%, 78.7%, 0, 1, [l3\tl4]:17
HARD_SWISH, 0.41, 0.402, 21.3%, 100%, 0, 1, [l2/hard_swish]:1

Number of nodes executed: 2
============================== Summary by node type ==============================
node type, count, avg_ms, avg %, cdf %, mem KB, times called
TfLiteXNNPackDelegate, 1, 1.485, 78.7%, 78.7%, 0, 1
HARD_SWISH, 1, 0.402, 21.3%, 100%, 0, 1

Timings (microseconds): count=50 first=1900 curr=1885 min=1870 max=1920 avg=1887 std=9
Memory (bytes): count=0
2 nodes observed

Delegate internal: 
============================== Run Order ==============================
node type, first, avg_ms, %, cdf%, mem KB, times called, name
Convolution (NHWC, QC8) IGEMM, 0.21, 0.2, 13.5%, 13.5%, 0, 1, Delegate/Convolution (NHWC, QC8) IGEMM:0
Fully Connected (NC, QS8, QC8W) GEMM, 0.64, 0.635, 85.5%, 99%, 0, 2, Delegate/Fully Connected (NC, QS8, QC8W) GEMM:1

Timings (microseconds): count=50 first=1490 curr=1470 min=1460 max=1500 avg=1470 std=5
Memory (bytes): count=0
2 nodes observed
"""

#: tensorflow/core/util/stats_calculator.cc (31ccb01c): with the column `start`, until 2022.
TFLITE_CSV_START: Final = """\
============================== Run Order ==============================
node type, start, first, avg_ms, %, cdf%, mem KB, times called, name
CONV_2D, 0.002, 1.21, 1.2, 60%, 60%, 0, 1, [conv, relu]:0
SOFTMAX, 1.202, 0.81, 0.8, 40%, 100%, 0, 1, [out]:1

Timings (microseconds): count=10 curr=2000(all same)
Memory (bytes): count=0
2 nodes observed
"""

#: The same columns between tabs, after the log (`--enable_op_profiling=true`); the initialisation's profile comes first.
TFLITE_TABLE: Final = (
    TFLITE
    + "INFO: Profiling Info for Benchmark Initialization:\n"
    + "============================== Run Order ==============================\n"
    + "\t                             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]\n"
    + "\t                         AllocateTensors\t   11.000\t   11.000\t100.000%\t100.000%\t     0.000\t        1\tAllocateTensors/0\n\n"
    + "Timings (microseconds): count=1 curr=11000\n\n"
    + "INFO: Operator-wise Profiling Info for Regular Benchmark Runs:\n"
    + "============================== Run Order ==============================\n"
    + "\t                             [node type]\t  [first]\t [avg ms]\t     [%]\t  [cdf%]\t  [mem KB]\t[times called]\t[Name]\n"
    + "\t                 Convolution (NHWC, F32)\t   20.100\t   20.000\t 90.909%\t 90.909%\t     0.000\t        1\t[l1]:0\n"
    + "\t                                 SOFTMAX\t    2.100\t    2.000\t  9.091%\t100.000%\t     0.000\t        1\t[l2]:1\n\n"
    + "Timings (microseconds): count=50 first=22100 curr=22000 min=21990 max=22200 avg=22000 std=20\n"
    + "Memory (bytes): count=0\n2 nodes observed\n"
)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def _stat(average: int) -> bytes:
    return b"\x18" + bytes([average & 0x7F | 0x80, average >> 7])  # field 3, a varint of two bytes


#: profiling_info.proto (tensorflow/lite/profiling/proto, 55554911), bytes by hand: 400 us of HARD_SWISH, and 1,000 us of
#: a convolution within the delegate that takes 1,100 us as a whole.
TFLITE_PROTO: Final = _field(1, b"mobilenet_v3_small.tflite") + _field(
    3,
    _field(
        1,
        _field(3, _field(1, b"HARD_SWISH") + _field(2, _stat(400)) + b"\x20\x01" + _field(5, b"l2") + b"\x30\x00")
        + _field(3, _field(1, b"TfLiteXNNPackDelegate") + _field(2, _stat(1100)) + b"\x20\x01" + b"\x30\x01"),
    )
    + _field(2, _field(2, _field(1, b"Convolution (NHWC, F32) IGEMM") + _field(2, _stat(1000)) + b"\x20\x01")),
)

#: ai_edge_litert/tools/benchmark_litert_model.py of ai-edge-litert 2.3.0, --result_json.
LITERT_BENCHMARK: Final = json.dumps(
    {
        "model": "mobilenet_v2.tflite", "model_size_mb": 13.33, "accelerators": ["CPU"],
        "signature": "<placeholder signature>", "fully_accelerated": True, "num_threads": 1,
        "latency": {"init_ms": 13.69, "warmup_first_ms": 7.24, "warmup_avg_ms": 6.88, "num_warmup_runs": 5,
                    "avg_ms": 6.4, "min_ms": 5.71, "max_ms": 9.18, "median_ms": 5.76, "std_ms": 1.21, "p5_ms": 5.71,
                    "p95_ms": 8.63, "num_runs": 10},
        "throughput_mb_s": 89.76,
    },
    indent=2,
)  # fmt: skip

#: performance_runner.cc and .h (microsoft/onnxruntime, onnxruntime/test/perftest, 034db1c2, 2019), with -s.
ORT_2019: Final = """\
Total time cost:0.712
Total iterations:100
Average time cost:7.12 ms
"""

#: Its output since 1.5, as quoted with 1.23 in ArmDeveloperEcosystem's learning paths; -x 4.
ORT: Final = """\
./onnxruntime_perf_test -e cpu -r 142 -m times -x 4 -s -I ../resnet50.onnx
Setting intra_op_num_threads to 4
Session creation time cost: 0.133189 s
First inference time cost: 9 ms
Total inference time cost: 1.00962 s
Total inference requests: 142
Average inference time cost: 7.11 ms
Total inference run time: 1.012 s
Number of inferences per second: 140.3
Avg CPU usage: 98 %
Peak working set size: 10485760 bytes
Avg CPU usage:98
Peak working set size:10485760
Runs:142
Min Latency: 0.00702 s
Max Latency: 0.00811 s
P50 Latency: 0.00709 s
P90 Latency: 0.00731 s
P95 Latency: 0.00742 s
P99 Latency: 0.00795 s
P999 Latency: 0.00811 s
"""

#: `DumpToFile` of performance_runner.h (034db1c2): model, seconds, bytes, share of the processor, run; then -s.
ORT_RESULT: Final = """\
squeezenet1_1,0.00711,10485760,98,0
squeezenet1_1,0.00702,10485760,98,1
squeezenet1_1,0.00709,10485760,98,2

Min Latency is 0.00702sec
Max Latency is 0.00711sec
P50 Latency is 0.00709sec
P90 Latency is 0.00711sec
P95 Latency is 0.00711sec
P99 Latency is 0.00711sec
P999 Latency is 0.00711sec
"""


def _event(kind: str, name: str, duration: int, start: int, **arguments: object) -> str:
    head = f'{{"cat" : "{kind}","pid" :7,"tid" :7,"dur" :{duration},"ts" :{start},"ph" : "X","name" :"{name}","args" : '
    return head + json.dumps(arguments) + "}"


#: onnxruntime/core/common/profiler.cc: two inferences, of which the first warms up.
ORT_PROFILE: Final = (
    "[\n"
    + ",\n".join(
        [
            _event("Session", "model_loading_uri", 812, 4),
            _event("Session", "session_initialization", 5188, 820),
            _event("Node", "l2_nchwc_kernel_time", 900, 7000, op_name="Conv", provider="CPUExecutionProvider",
                   input_type_shape=[{"float": [1, 3, 224, 224]}, {"float": [32, 3, 3, 3]}]),
            _event("Node", "l9_fence_before", 1, 7900, op_name="Softmax"),
            _event("Node", "l9_kernel_time", 30, 7901, op_name="Softmax", provider="CPUExecutionProvider"),
            _event("Session", "model_run", 9000, 6900),
            _event("Node", "l2_nchwc_kernel_time", 412, 17000, op_name="Conv", provider="CPUExecutionProvider",
                   input_type_shape=[{"float": [1, 3, 224, 224]}, {"float": [32, 3, 3, 3]}]),
            _event("Node", "l9_kernel_time", 20, 17901, op_name="Softmax", provider="CPUExecutionProvider"),
            _event("Session", "model_run", 7113, 16900),
        ]
    )
    + "\n]\n"
)  # fmt: skip

#: benchmark/benchncnn.cpp (Tencent/ncnn, 009d607a): two networks in one log.
NCNN: Final = """\
loop_count = 10
num_threads = 2
powersave = 2
gpu_device = -1
cooling_down = 0
            resnet18  min =   23.20  max =   24.06  avg =   23.63
        mobilenet_v2  min =    8.10  max =    8.33  avg =    8.15
"""

#: src/benchmark.cpp (Tencent/ncnn, 00b9f28a), NCNN_BENCHMARK: each layer at each inference, here of two.
NCNN_LAYERS: Final = (
    "loop_count = 1\nnum_threads = 1\npowersave = 2\ngpu_device = -1\ncooling_down = 0\n"
    "Convolution              conv1                              1.20ms    |    [224, 224,   3 *1] -> [112, 112,   8 *4]"
    "     kernel: 3 x 3     stride: 2 x 2\n"
    "Split                    splitncnn_0                        0.00ms    |\n"
    "Convolution              conv1                              1.40ms    |    [224, 224,   3 *1] -> [112, 112,   8 *4]"
    "     kernel: 3 x 3     stride: 2 x 2\n"
    "Split                    splitncnn_0                        0.00ms    |\n"
    "          resnet18.param  min =   23.20  max =   24.06  avg =   23.63\n"
)

#: benchmark/benchmark.cpp (alibaba/MNN, 03bf3891).
MNN: Final = """\
MNN benchmark
Forward type: **CPU** thread=1** precision=2** sparsity=0** sparseBlockOC=1
--------> Benchmarking... loop = 10, warmup = 10
[ - ] mobilenet_v2.mnn            max =    9.412 ms  min =    9.120 ms  avg =    9.187 ms
[ - ] resnet18.mnn                max =   24.412 ms  min =   23.120 ms  avg =   23.500 ms
"""

#: qai-hub's client.py (0.56.0), job.download_profile().
AI_HUB: Final = json.dumps(
    {
        "execution_summary": {
            "estimated_inference_time": 3652,
            "all_inference_times": [10003, 4205, 3652, 3660],
            "first_load_time": 1374293,
            "warm_load_time": 277823,
        },
        "execution_detail": [
            {"name": "l2", "type": "CONV_2D", "compute_unit": "NPU", "execution_time": 127, "execution_cycles": 180315},
            {"name": "l9", "type": "MUL", "compute_unit": "CPU"},
        ],
    },
    indent=1,
)

#: tools/benchmark_tool/openvino/tools/benchmark/main.py (openvinotoolkit/openvino, 0027ced9), -hint latency.
OPENVINO: Final = """\
$ benchmark_app -m models/resnet50.onnx -d CPU -hint latency
[Step 1/11] Parsing and validating input arguments
[ INFO ] Parsing input parameters
[Step 2/11] Loading OpenVINO Runtime
[ INFO ] OpenVINO:
[ INFO ] Build ................................. 2024.3.0-16041-1e3b88e4e3f-releases/2024/3
[Step 4/11] Reading model files
[ INFO ] Loading model files
[ INFO ] Read model took 38.91 ms
[Step 7/11] Loading the model to the device
[ INFO ] Compile model took 140.27 ms
[Step 8/11] Querying optimal runtime parameters
[ INFO ]   INFERENCE_NUM_THREADS: 4
[ INFO ]   INFERENCE_PRECISION_HINT: <Type: 'float32'>
[Step 10/11] Measuring performance (Start inference asynchronously, 1 inference requests, limits: 60000 ms duration)
[ INFO ] First inference took 11.84 ms
[Step 11/11] Dumping statistics report
[ INFO ] Execution Devices:['CPU']
[ INFO ] Count:            200 iterations
[ INFO ] Duration:         412.64 ms
[ INFO ] Latency:
[ INFO ]    Median:        2.03 ms
[ INFO ]    Average:       2.05 ms
[ INFO ]    Min:           1.95 ms
[ INFO ]    Max:           2.71 ms
[ INFO ] Throughput:   484.68 FPS
"""

#: Before 2022.1: one line of latency (docs of benchmark_app 2021.4).
OPENVINO_2021: Final = """\
[Step 10/11] Measuring performance (Start inference synchronously, inference only: True, limits: 60000 ms duration)
[ INFO ] First inference took 7.20 ms
[Step 11/11] Dumping statistics report
Count:      8904 iterations
Duration:   60007.30 ms
Latency:    6.61 ms
Throughput: 148.38 FPS
"""

#: samples/cpp/benchmark_app, -json_stats: numbers are texts.
OPENVINO_JSON: Final = json.dumps(
    {
        "cmd_options": {"m": "resnet18.onnx", "d": "CPU", "nthreads": "2"},
        "execution_results": {
            "read_model_time": "10.5", "compile_model_time": "89.5", "first_inference_time": "9.1",
            "latency_median": "7.12", "latency_avg": "7.20", "latency_min": "7.01", "latency_max": "9.00",
            "total_number_of_iterations": "140", "throughput": "139.2",
        },
    },
    indent=1,
)  # fmt: skip

#: utils/statistics_report.py (04ddfe74), `CsvStatisticsReport.dump`.
OPENVINO_CSV: Final = """\
Command line parameters
m;resnet18.onnx
d;CPU

Configuration setup
topology;resnet18

Execution results
read model time (ms);10.50
first inference time (ms);9.10
total execution time (ms);1000.00
total number of iterations;140
latency (ms);7.12
avg latency;7.20
min latency;7.01
max latency;9.00
throughput;139.20

"""

#: utils/statistics_report.py (04ddfe74), `dump_performance_counters_request`: two requests.
OPENVINO_COUNTERS: Final = """\
layerName;execStatus;layerType;execType;realTime (ms);cpuTime (ms)
l2_c;Status.EXECUTED;Convolution;brgconv_avx512_f32;0.412;0.412
l2;Status.NOT_RUN;Clip;undef;0.000;0.000
Total;;;;0.412;0.412

layerName;execStatus;layerType;execType;realTime (ms);cpuTime (ms)
l2_c;Status.EXECUTED;Convolution;brgconv_avx512_f32;0.408;0.408
l2;Status.NOT_RUN;Clip;undef;0.000;0.000
Total;;;;0.408;0.408

"""

#: devtools/inspector/_inspector.py (pytorch/executorch, 099b8f5c): `Inspector(..).to_dataframe().to_csv("table.csv")`.
EXECUTORCH: Final = """\
,event_block_name,event_name,raw,p10 (ms),p50 (ms),p90 (ms),avg (ms),min (ms),max (ms),op_types,is_delegated_op,delegate_backend_name
0,Default,Program::load_method,[4.1],4.1,4.1,4.1,4.1,4.1,4.1,[],False,
1,Execute,Convolution (NHWC F32) IGEMM #1,"[0.4, 0.42, 0.41]",0.4,0.41,0.42,0.41,0.4,0.42,['aten.conv2d.default'],True,XnnpackBackend
2,Execute,DELEGATE_CALL,"[6.8, 6.82, 6.81]",6.8,6.81,6.82,6.81,6.8,6.82,[],False,
3,Execute,OPERATOR_CALL,"[0.1, 0.1, 0.1]",0.1,0.1,0.1,0.1,0.1,0.1,[],False,
4,Execute,native_call_softmax.out,"[0.1, 0.1, 0.1]",0.1,0.1,0.1,0.1,0.1,0.1,['aten.softmax'],False,
5,Execute,Method::execute,"[7.0, 7.02, 7.01]",7.0,7.01,7.02,7.01,7.0,7.02,[],False,
"""

#: `print_data_tabular`: tabulate, "fancy_grid".
EXECUTORCH_PRINTED: Final = """\
╒════╤════════════════════╤═════════════════╤════════════╤════════════╕
│    │ event_block_name   │ event_name      │   p50 (ms) │   min (ms) │
╞════╪════════════════════╪═════════════════╪════════════╪════════════╡
│  0 │ Execute            │ native_call_a   │       0.25 │       0.24 │
├────┼────────────────────┼─────────────────┼────────────┼────────────┤
│  1 │ Execute            │ Method::execute │       1.25 │       1.2  │
╘════╧════════════════════╧═════════════════╧════════════╧════════════╛
"""

#: All that are text, by name.
ALL: Final = {name: value for name, value in dict(globals()).items() if name.isupper() and isinstance(value, str)}
