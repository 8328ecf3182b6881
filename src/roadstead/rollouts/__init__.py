"""Rollouts: a version offered in stages, watched by a gate that stops a bad one by itself.

What it is for: giving a firmware version to ever more devices, judging after each stage whether
those that have it do worse than those that do not, and stopping, waiting or asking a person when
they do. The method and what it can and cannot tell: docs/rollouts.md.

Files, all of them pure:
    progress     what happens next: facts and a verdict in, a step out; begin here
    gate         the verdict of one look, by a table of rows; evidence: what it takes and gives
    permutation  chance of an average mark; exact: chances of failures; own_past: without a control
    signals      what of a device's day is graded; marks: a day against the seven days before
    failing      whether a device failed, by its own pattern
    stages, ordering, pace, windows, audience   who gets it when

Who calls it: the HTTP edge for people, the worker that runs due steps.

What it must not do: send anything. It writes assignments, which firmware owns, and nothing else
changes what a device runs.
"""
