"""Evaluation of analyses: where the time goes, comparisons, hints, what-if, validation. No output formats here."""
