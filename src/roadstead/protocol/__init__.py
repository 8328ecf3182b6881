"""The wire, sans-IO: bytes in, bytes and events out.

What it is for: everything that devices and the server say to each other, on both sides, without
sockets, clock, dice or logs. Time (``now``, monotonic seconds) and randomness come as arguments, so
that a test can play any network and any age of the universe.

Packages:
    dtls      protected sessions over UDP: records, handshake, connection ids, moved sessions
    coap      messages, and exchanges with retransmission, deduplication and blocks
    messages  what devices mean by them: hello, describe, event, function, variable, vitals, update
    transfer  how a file of firmware reaches a device, in chunks that may be lost

Who calls it: the gateway as the server, the simulator as devices. What a peer does wrong is a
verdict or an event, never an exception that passes the gateway; each bound is a named constant with
its unit and reason. It imports nothing of the project but kit.
"""
