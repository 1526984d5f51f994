"""Networks as files that run: a graph becomes a :class:`~mbcost.exporters.program.Program` of primitive operators with
weights, and one writer a format writes that.

To add an operator: its lowering (:mod:`mbcost.exporters.lowering`), its evaluation
(:mod:`mbcost.exporters.evaluation`), and an entry in each writer's table.
"""
