"""Results about results: where the time goes, comparisons, hints, what-if, validation. No output format in here."""
