"""Frames through a pipeline of stages: simulation, and plans for several processors."""
