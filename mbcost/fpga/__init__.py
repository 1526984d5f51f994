"""Accelerators designed for a network: loop-tiled engines and line-buffer pipelines."""
