"""The device edge: devices arrive here over UDP, are recognised, answered and asked.

What it is for: it joins the wire (protocol) with what the server knows (devices, events), and
decides nothing that is not about one device's conversation.

Files, from the outside in:
    server          Gateway: start, run, stop; its ``link`` is the port for everybody else
    udp_socket, wire, timer_wheel   datagrams, messages, and when to look again
    runner          the loop: what came, whose it is, what to do; connection(s) are its memory
    admission, refusals             handshakes: keys, threads, who is turned away
    quota           how many messages of one device are taken in a second
    conversation    pure: what does this device get answered? Its rules by subject: hello_rules,
                    describe_rules, event_rules (device_events), call_rules, update_rules; state
                    is what they change, effects the words that they answer with
    performing, storing             carry the effects out
    quota, event_rate               how much one device may send
    delivery, subscriptions         events to devices: which get them, in which form
    updates, update_pump            transfers of files to devices: who sends next
    session_store, session_keeping, continuity   sessions over restarts and changed keys
    tracing, operator_socket        how far each device got, told to ``roadstead doctor``
    link, timeouts, counters, samples            calls, patience, numbers

Who calls it: main builds one Gateway; everybody else reaches devices through devices.link.
It must not hold product, firmware or HTTP rules, and it runs no SQL for a datagram.
"""
