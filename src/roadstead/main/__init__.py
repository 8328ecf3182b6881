"""The composition root: the one place that builds concrete parts from Settings.

What it is for: data folder, database, services, device gateway, HTTP, in the order in which the
server starts. Nothing else constructs a service, and no part looks another up.

Files:
    serving   ``serve``: starts everything, waits for a signal, stops everything in order
    services  builds every part on an open database; a large capability has a module of its own
    integrating  builds what carries events out of the server
    rolling_out  builds the rollouts and what runs for them
    alerting  builds what finds out that a person must know
    noticing  builds what tells people of things
    web       the HTTP server below the API edge: its socket, its limits, its certificate
    status    how the server as a whole is; trials runs simulated devices for newcomers
    numbers   what the parts count, in the words of ``/metrics``

Who calls it: the command line. It must not decide anything: what it builds does.
"""

from roadstead.main.serving import serve

__all__ = ["serve"]
