"""Fuzz targets, one per format of files that mbcost reads: ``python -m tests.fuzz --help``."""
