"""A device file of your own, written from nothing, checked, and used."""

from pathlib import Path
from tempfile import TemporaryDirectory

import mbcost

PROFILE = """
identity: {name: my_phone, title: My phone}
provenance:
  date: "2026-11-20"
  references:
    datasheet: Data sheet of the chip, revision 3, page 12
processors:
  cpu:
    kind: cpu
    core: Cortex-A76
    default: true
    runtime: tflite-2.1
    precisions: [fp32]
    clock: {value: 2.4 GHz, source: datasheet, reference: datasheet}
    simd_width: {value: 128 bit, source: datasheet, reference: datasheet}
memory:
  bandwidth: {value: 34.1 GB/s, source: datasheet, reference: datasheet}
"""

with TemporaryDirectory() as folder:
    path = Path(folder) / "my_phone.yaml"
    path.write_text(PROFILE, encoding="utf-8")
    analysis = mbcost.analyze("mobilenet_v2", str(path))
    print(f"{analysis.target.device.title}: {analysis.latency_s * 1e3:.1f} ms")
    print(f"90 % interval {analysis.latency_low_s * 1e3:.1f} to {analysis.latency_high_s * 1e3:.1f} ms")
    for warning in analysis.warnings:
        print(f"  {warning}")

    path.write_text(PROFILE.replace("2.4 GHz", "2.4 Gz"), encoding="utf-8")
    try:
        mbcost.load_device(str(path))
    except mbcost.InputError as error:
        print(f"\na mistake is shown at its place:\n{error}")
