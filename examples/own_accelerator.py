"""An accelerator of your own: its array, its efficiencies by class of operator, and its energies, in one file."""

from pathlib import Path

import mbcost

PROFILE = str(Path(__file__).with_name("my_accelerator.yaml"))

analysis = mbcost.analyze("mobilenet_v3_large", PROFILE)
print(f"{analysis.target.device.title}: {analysis.latency_s * 1e3:.2f} ms")
hosted = [layer.name for layer in analysis.layers if layer.runs_on == "cpu"]
print(f"{len(hosted)} layers on the CPU, such as {hosted[0]}")

energy = mbcost.analyze("mobilenet_v2", PROFILE).energy
assert energy is not None
print(f"MobileNet V2: {energy.total_j * 1e3:.2f} mJ by the profile's energies")

for rows in (16, 32, 64):
    found = mbcost.analyze("mobilenet_v2", f"{PROFILE},npu.array={rows}")
    print(f"an array of {rows} x {rows}: {found.latency_s * 1e3:.2f} ms")
