"""What other programs read (JSON, CSV, Markdown, traces, graphs), one file a subject."""
