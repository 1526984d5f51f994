"""``mbcost serve``: the local web app. Starlette and uvicorn are imported by :mod:`mbcost.serve.app` alone.

:mod:`~mbcost.serve.storage` keeps uploads and results on disk, :mod:`~mbcost.serve.request` reads what a page asks for,
:mod:`~mbcost.serve.worker` computes it in a process of its own, :mod:`~mbcost.serve.jobs` limits these processes,
:mod:`~mbcost.serve.guard` decides whose requests are answered, :mod:`~mbcost.serve.client` asks a running server.
"""
