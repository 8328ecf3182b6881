"""Publish and subscribe inside one process.

What it is for: a lower capability tells a higher one that something happened (an event was
committed, a device changed) without knowing who listens.

Files:
    local   topics with subscribers, called in order on the event loop

Who calls it: services publish, caches and streams subscribe. What must not be lost is never only
here: events, jobs and audit rows are in the database, and the outbox (``storage.outbox``) carries
changes of other processes to this bus.
"""
