"""Rollouts: a version offered in stages, watched by a gate that stops a bad one by itself.

What it is for: giving a firmware version to ever more devices, judging after each stage whether
those that have it do worse than those that do not, and stopping, waiting or asking a person when
they do. The method and what it can and cannot tell: docs/rollouts.md.

Pure:
    progress     what happens next: facts and a verdict in, a step out; begin here
    gate         the verdict of one look, by a table of rows; evidence: what it takes and gives
    permutation  chance of an average mark; exact: chances of failures; own_past: without a control
    trace        what is remembered of a device; signals, marks: a day against the seven before
    failing      whether a device failed, by its own pattern
    stages, ordering, pace, windows, audience   who gets it when

With effects:
    engine       steps of rollouts, by leased rows; parts: preparing, offering, ending, gathering
    service      what people ask for; planning, explaining, reporting: its answers
    watching     takes note of events; tables in store, look_store, trace_store; recording: telling
    delivering   the way to the deliveries; joining: devices that come into an audience later
    releasing    releases that go out at once, as rollouts; for_products: what products ask

Who calls it: the HTTP edge for people, the worker that runs due steps.

What it must not do: send anything. It writes assignments, which firmware owns, and nothing else
changes what a device runs.
"""
