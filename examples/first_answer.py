"""The latency of MobileNet V2 on a Pixel 1, where it goes, and what one of its rates is made of."""

import mbcost

analysis = mbcost.analyze("mobilenet_v2", "pixel1")
low, high = analysis.latency_low_s * 1e3, analysis.latency_high_s * 1e3
print(f"{analysis.latency_s * 1e3:.1f} ms, 90 % interval {low:.1f} to {high:.1f} ms")
print(f"{analysis.totals.macs / 1e6:.1f} M MACs, {analysis.totals.params / 1e6:.2f} M parameters")

print("\nslowest layers")
for layer in sorted(analysis.layers, key=lambda layer: -layer.latency_s)[:5]:
    print(f"  {layer.name:24} {layer.latency_s * 1e3:6.2f} ms, bound by {layer.bound}")

rate = analysis.rates["gemm"]
print(f"\na MAC of a matrix product takes {rate.seconds * 1e12:.0f} ps ({rate.source}): {rate.formula}")

print("\nwhat to know before trusting it")
for warning in analysis.warnings:
    print(f"  {warning}")
for place in analysis.assumptions():
    print(f"  assumed: {place}")
