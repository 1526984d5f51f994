# ruff: noqa: E501  # shell scripts
"""A small kit, and stand-ins for adb, ssh and the benchmark tools, which print what the tools' sources print."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mbcost.calibration.kit.make import make_kit
from tests.cli.conftest import cli

__all__ = ["cli"]

TABLE = """\
name: {name}
source: a test
input: 32x32x3
layers:
  - {{op: conv2d, out: {out}, kernel: 3, stride: 2, activation: relu6}}
  - {{op: global_avg_pool}}
  - {{op: dense, out: 10}}
"""

#: Runs what it is told in a shell, with the device's /sys elsewhere. Each call is a line of $FAKE/calls; from call number
#: $FAKE/gone on there is no device; $FAKE/full refuses files.
ADB = """\
#!/bin/sh
echo "$*" >> "$FAKE/calls"
[ "$1" = -s ] && shift 2
[ -s "$FAKE/gone" ] && [ "$(grep -c . "$FAKE/calls")" -ge "$(cat "$FAKE/gone")" ] && { echo 'error: no devices/emulators found' >&2; exit 1; }
case $1 in
  push)
    [ -e "$FAKE/full" ] && { echo "adb: error: failed to copy: No space left on device" >&2; exit 1; }
    cp "$2" "$3" ;;
  shell)
    command=$(printf '%s' "$2" | sed "s|/sys/|$FAKE/sys/|g")
    PATH=$FAKE/device:$PATH sh -c "$command" ;;
esac
"""
SSH = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift 2; done
[ "$1" = me@board ] && PATH=$FAKE/device:$PATH sh -c "$2"
"""
SCP = """\
#!/bin/sh
while [ "${1#-}" != "$1" ]; do [ "$1" = -q ] && shift || shift 2; done
cp "$1" "${2#me@board:}"
"""
#: Prints as benchmark_model.cc does, in microseconds of $FAKE/latency by the model's content, else 12,345.
BENCHMARK_MODEL = """\
#!/bin/sh
for word; do case $word in --graph=*) model=${word#--graph=} ;; --num_threads=*) threads=${word#*=} ;; *profiling*) profile=1 ;; esac; done
echo "$*" >> "$FAKE/runs"
sum=$(sha256sum "$model" | cut -d ' ' -f 1)
[ -e "$FAKE/broken" ] && grep -q "$sum" "$FAKE/broken" && { echo "ERROR: Failed to initialize the interpreter"; exit 1; }
us=$(sed -n "s/^$sum //p" "$FAKE/latency" 2>/dev/null); us=${us:-12345}
[ -e "$FAKE/heats" ] && { rm "$FAKE/heats"; echo 2 > "$FAKE/status"; }
cat << END
INFO: STARTING!
INFO: Log parameter values verbosely: [0]
INFO: Num threads: [$threads]
INFO: Graph: [$model]
INFO: #threads used for CPU inference: [$threads]
INFO: Loaded model $model
INFO: Initialized session in 12.345ms.
INFO: count=21 first=25310 curr=23810 min=23651 max=25310 avg=23901.5 std=341

INFO: count=50 first=$us curr=$us min=$us max=$us avg=$us std=1

INFO: Inference timings in us: Init: 12345, First inference: 25310, Warmup (avg): 23901.5, Inference (avg): $us
END
[ -n "${profile:-}" ] && printf 'INFO: Operator-wise Profiling Info for Regular Benchmark Runs:\\n============================== Run Order ==============================\\n\\t[node type]\\t[first]\\t[avg ms]\\t[%%]\\t[cdf%%]\\t[mem KB]\\t[times called]\\t[Name]\\n\\tConvolution (NHWC, F32)\\t1.100\\t1.000\\t90%%\\t90%%\\t0.000\\t1\\t[l1]:0\\n\\nTimings (microseconds): count=50 curr=1100(all same)\\n'
exit 0
"""
#: dumpsys thermalservice, as Android prints it: hot once, then as it was.
DUMPSYS = """\
#!/bin/sh
printf 'IsStatusOverride: false\\nThermalEventListeners:\\n\\tcallbacks: 2\\nThermal Status: %s\\n' "$(cat "$FAKE/status")"
echo 0 > "$FAKE/status"
"""
ORT = """\
#!/bin/sh
for word; do model=$word; done
printf 'Setting intra_op_num_threads to 1\\nSession creation time cost: 0.01 s\\nFirst inference time cost: 9 ms\\n'
printf 'Total inference requests: 30\\nAverage inference time cost: 7.11 ms\\nMin Latency: 0.007 s\\nP50 Latency: 0.00709 s\\n'
"""
NCNN = """\
#!/bin/sh
printf 'loop_count = %s\\nnum_threads = %s\\npowersave = 2\\ngpu_device = -1\\ncooling_down = 0\\n' "$1" "$2" >&2
[ "$6" = param=m.param ] && [ "$7" = 'shape=[32,32,3]' ] || exit 1
printf '%20s  min = %7.2f  max = %7.2f  avg = %7.2f\\n' m.param 8.10 8.33 8.15 >&2
"""


class Device:
    """A device that is a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.programs = folder / "bin"
        for where, name, text in (
            ("bin", "adb", ADB), ("bin", "ssh", SSH), ("bin", "scp", SCP), ("device", "dumpsys", DUMPSYS),
            ("device", "benchmark_model", BENCHMARK_MODEL), ("device", "onnxruntime_perf_test", ORT),
            ("device", "benchncnn", NCNN), ("device", "taskset", '#!/bin/sh\necho "$1" >> "$FAKE/masks"\nshift\nexec "$@"\n'),
            ("device", "getprop", '#!/bin/sh\ncat "$FAKE/$1" 2>/dev/null || echo "some $1"\n'),
            ("device", "cmd", '#!/bin/sh\necho "cmd $*" >> "$FAKE/power"\n'), ("device", "svc", "#!/bin/sh\n"),
        ):  # fmt: skip
            path = folder / where / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
            path.chmod(0o755)
        self.write("status", "0")
        for core, clock in ((0, 1800000), (1, 1800000), (2, 2400000), (3, 3000000)):
            self.write(f"sys/devices/system/cpu/cpu{core}/cpufreq/cpuinfo_max_freq", str(clock))
            self.write(f"sys/devices/system/cpu/cpu{core}/cpufreq/scaling_cur_freq", str(clock))
        self.write("sys/class/thermal/thermal_zone0/temp", "31000")
        self.work = folder / "data"

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    def runs(self) -> int:
        path = self.folder / "runs"
        return len(path.read_text().splitlines()) if path.exists() else 0

    def measure(self, kit: Path, *options: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{self.programs}{os.pathsep}{os.environ['PATH']}", "FAKE": str(self.folder), "DIR": str(self.work),
            "RETRY": "0", "COOL_STEP": "1", "COOL_MOST": "3",
        }  # fmt: skip
        if options[:1] == ("-l",):
            environment["COOL_RANGE"] = "200"  # this machine's own sensors
            environment["PATH"] = f"{self.folder / 'device'}{os.pathsep}{environment['PATH']}"
        command = ["sh", str(kit / "run.sh"), *options]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def device(tmp_path: Path) -> Device:
    folder = tmp_path / "phone"
    folder.mkdir()
    return Device(folder)


#: Makes a kit of two small networks.
MakeKit = Callable[..., Path]


@pytest.fixture
def small_kit(tmp_path: Path) -> MakeKit:
    def make(
        runtime: str = "litert", precisions: Sequence[str] = ("fp32",), passes: int = 1, visits: int | None = None
    ) -> Path:
        tables = []
        for name, out in (("one", 8), ("two", 16)):
            tables.append(tmp_path / f"{name}.yaml")
            tables[-1].write_text(TABLE.format(name=name, out=out))
        folder = tmp_path / f"kit-{runtime}"
        make_kit(
            folder, "pixel8", runtime, precisions=precisions, suggestions=0, networks=map(str, tables), passes=passes
        )
        if visits is not None:
            order = (folder / "visits.txt").read_text().splitlines(keepends=True)
            (folder / "visits.txt").write_text("".join(order[:visits]))
        return folder

    return make
