"""The companion runner: measures this machine with PyTorch for calibrations. Only this package runs PyTorch."""
