"""Frames through a pipeline of stages: simulation, and plans over several processors."""
