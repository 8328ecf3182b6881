"""The device edge: devices arrive here over UDP, are recognised, answered and asked.

What it is for: it joins the wire (protocol) with what the server knows (devices, events), and
decides nothing that is not about one device's conversation.

Files:
    server          Gateway: start, run, stop; the port DeviceLink for everybody else
    runner          the loop that moves datagrams, events and effects between the parts
    performing      carries out the effects that a conversation asked for
    connection      what the loop keeps of one session
    admission       handshakes: keys looked up, cryptography in threads, refusals
    conversation    pure: what does this device get answered?
    effects         the words that a conversation answers with
    device_events   pure: what an event of a device means to the server
    subscriptions   pure: the index from owner and name to connected devices
    delivery        pure: in which form a device gets an event
    session_store   sessions in the database: sealed keys, reserved numbers, subscriptions
    session_keeping sessions across restarts: loading, reserving, flushing, expiring
    timer_wheel     one coarse timer for every device
    udp_socket      the socket: a bounded receive loop, sends that never block
    timeouts        how long a silent device counts as online
    link            DeviceLink: calls that wait for a device's answer
    refusals        one log line a minute for each refused key or device
    counters        plain numbers for the metrics page

Who calls it: main builds one Gateway; everybody else reaches devices through devices.link.
It must not hold product, firmware or HTTP rules, and it runs no SQL for a datagram.
"""
