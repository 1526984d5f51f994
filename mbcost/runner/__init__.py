"""The companion runner: measures this machine for calibrations. Only this package runs PyTorch or another runtime."""
