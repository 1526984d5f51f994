"""Calibrations: rates fitted to measured latencies, their file, and where they are applied."""
