"""Readers of the logs of runtimes' own benchmark tools, a module each, and the measurements that they become."""
