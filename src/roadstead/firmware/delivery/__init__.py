"""Delivery: how a version that was decided on reaches a device, whatever happens on the way.

What it is for: a queue of rows with leases, one open row for each device at most, which is also
the history. An occasion (a handshake, a release at once, a lock with flash, consent, the end of a
pause) makes it look at devices; ``targeting.decide`` says what to send; the gateway sends it; what
the device says after its restart is the result.

Files:
    engine           the service: occasions in, looks and sends under way
    agenda           which devices are to be looked at, and when
    looks, looking   gather the facts of many devices and decide
    queue, turns     rows that wait, and whose turn it is
    sending, files   one transfer on its way; one copy of each file for all devices
    keeping, telling rows written in batches; events and flags that tell of it
    pushes           a release that goes out at once, with a cursor that survives a restart
    rules            pure: results, pauses after failures, deadlines
    missing_modules  pure: what a device in safe mode lacks
    model, store, push_store   the values and the tables

Who calls it: the gateway's hellos by the bus, releasing, locking, flashing and rollouts.
It must not choose a version by itself, nor speak the wire.
"""
