"""The test bed: the real rollout engine and gate over modelled devices, on a clock of its own.

What it is for: the figures in docs/rollouts.md, and trying out a fleet and a bad firmware of one's
own choosing (`roadstead testbed --fleet fleet.toml`). Weeks pass in seconds: there are no sockets,
and devices are models that fill the traces which the gate reads; everything above them (drawing,
stages, assignments, looks, verdicts, halt, rollback) is the code that serves, on a real database.

Files:
    chance   draws from the distributions of the models
    models   a device: what it does in a span of time, by its kind and the version it runs
    bed      one rollout from the first baseline day to its end
    trials   many rollouts, and what came of them in numbers

Who calls it: the command line and tests. It must not touch sockets or the machine's clock.
"""
