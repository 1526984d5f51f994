"""Reports as self-contained HTML files, which open without a network connection."""
