"""Terminal screens, one module per subject."""
