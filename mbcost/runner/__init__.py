"""The companion runner: measures this machine with PyTorch, for calibrations of it. PyTorch is run here only."""
