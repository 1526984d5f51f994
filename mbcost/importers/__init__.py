"""Importers: networks from ONNX, TFLite and PyTorch, as the same :class:`~mbcost.architectures.ArchitectureSpec`."""
