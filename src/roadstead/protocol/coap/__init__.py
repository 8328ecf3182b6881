"""CoAP as devices speak it: messages, exchanges, blocks.

What it is for: turning datagrams of a secured session (or frames of the TCP generation) into
requests, responses and outcomes, and back. It knows no path, no device and no meaning of a payload.

Files:
    codes       request and response codes
    options     option numbers, and numbers as option values
    message     one message: bytes to Message and back
    parameters  timing and bounds of exchanges, each with unit, reason and source
    seen        which messages of the peer were seen lately, and what they were answered
    events      what an endpoint tells its owner
    outgoing    what an endpoint has sent and what still waits for an answer
    endpoint    reliability towards one peer: acknowledgement, retransmission, deduplication, tokens
    blockwise   bodies larger than a message, in blocks

Who calls it: the gateway with one endpoint for each session, the simulator with one for each
virtual device; ``protocol.messages`` reads and makes messages with it.

What it must not do: read a clock or a socket, log, raise because of what a peer sent (``endpoint``
reports it as an event), or send a reset, which makes a device throw away its session.
Spec: RFC 7252, RFC 7959, device protocol notes §3.1.
"""
