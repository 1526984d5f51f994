"""Memory before deploying: the arena that a runtime's planner makes, its scratch buffers, and flash for weights."""
