"""Kits: folders of models with a shell script that measures them on a phone or a board, and their results."""
