"""The version, for the package's metadata and for its outputs."""

__version__ = "0.2.0"
