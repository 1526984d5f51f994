"""Width and resolution of MobileNet V2 under 30 ms on a Pixel 1: the published best, and a grid of its neighbours."""

import mbcost

choice = mbcost.pick("mobilenet_v2", "pixel1", budget="30ms")
best = choice.pick
print(f"best: alpha {best.alpha:g}, {best.resolution} pixels, top-1 {best.top1:.1f} %")
if choice.binds is not None:
    next_better = choice.binds.candidate
    print(f"the next better one, {next_better.alpha:g} / {next_better.resolution}, misses the budget")

print("\nwhat nothing else beats")
for candidate in choice.front:
    print(f"  {candidate.alpha:4g} / {candidate.resolution}: top-1 {candidate.top1:.1f} %")

frame = mbcost.sweep("mobilenet_v2", "pixel1", alpha="0.35:1:0.05", resolution="96:224:32").to_frame()
fitting = frame[frame.latency_high_ms <= 30].sort_values("macs", ascending=False)
print("\nmost MACs whose whole interval is below 30 ms")
print(fitting[["alpha", "resolution", "macs", "latency_ms", "latency_high_ms"]].head(5).to_string(index=False))
