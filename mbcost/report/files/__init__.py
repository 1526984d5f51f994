"""Files for other programs (JSON, CSV, Markdown, traces, graphs), one module per subject."""
