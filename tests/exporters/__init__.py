"""Tests of the model files that ``mbcost convert`` writes."""
