"""Latency: forms, their rates, and the time of every kernel."""

from mbcost.latency.form import GROUPS, Group, KernelEstimate, LatencyForm, Rate, Term
from mbcost.latency.forms import FORMS, find_form

__all__ = ["FORMS", "GROUPS", "Group", "KernelEstimate", "LatencyForm", "Rate", "Term", "find_form"]
