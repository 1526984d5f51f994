"""Cells of tables and lines about a result: the same on a screen, in Markdown, on a page and in a notebook."""
