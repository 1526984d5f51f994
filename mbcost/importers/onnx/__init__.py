"""ONNX files, read without the ``onnx`` package and without their weights."""

from mbcost.importers.onnx.reader import read_onnx

__all__ = ["read_onnx"]
