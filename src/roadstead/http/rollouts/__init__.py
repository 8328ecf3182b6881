"""Staged, health-gated releases.

Files:
    rollouts           plan, start, watch, decide
    rollout_documents  the documents of that API; the command line prints the same
    rollout_reports    reports at the end, as a page, JSON and CSV

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
