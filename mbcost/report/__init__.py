"""Reports of an analysis: plain data (view, hints), and what is made of it (terminal screens, files)."""
