"""How a file reaches a device: both transfer protocols, both sides, sans-IO.

What it is for: deciding which message of an update goes out next, and what the other side's
messages mean for it. Time comes as ``now`` (monotonic seconds); each step has a deadline.

Files:
    steps            what both server sides share: what to send, events, deadlines, why one ends
    window           which chunk of the current transfer goes out next: flight, losses, timers
    current_server   the current transfer (3.0 and later), server side
    current_device   the same, as a device does it
    classic_server   the classic transfer, fast and slow, server side
    classic_device   the same, as a device does it
    replies          what a device side wants done

Who calls it: the gateway's delivery (server sides), the simulator (device sides). They stand above
a CoAP endpoint: the owner sends what ``to_send`` gives as requests of the endpoint, and hands
answers, failures, resets and requests of the peer back.

What it must not do: read a clock, choose a version, store anything. A new transfer to the same
device, after any kind of interruption, is a new object.
Spec: device protocol notes §4.1, §4.2; Device OS 6.2 wire.
"""
