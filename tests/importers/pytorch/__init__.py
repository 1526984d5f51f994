"""PyTorch modules. Everything here is skipped where torch is not installed."""
