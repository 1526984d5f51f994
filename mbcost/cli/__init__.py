"""The command line. One command a module; what it needs is imported when it runs, so that ``--help`` is quick."""
