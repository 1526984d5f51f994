"""Reports of results: terminal screens, files, charts and HTML pages."""
