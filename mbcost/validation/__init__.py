"""Measured latencies: read, compared with predictions, and fitted to."""
