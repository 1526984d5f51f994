"""Table cells and lines of text about results, shared by screens, Markdown, pages and notebooks."""
