"""What devices and programs say: accepted, kept, and handed to everybody who may see it.

What it is for: the way of an event from the edge where it arrives, through one commit, to the
readers of its owner's streams.

Files:
    model       the event value
    limits      how long a name and a payload may be, and which names people may use
    visibility  pure: whose account may see an event
    matching    pure: does this reader get this event?
    rendering   an event as the public API writes it (JSON, server-sent events)
    store       the table of events
    ingest      acceptance: an id, the journal, and after the commit the bus
    reactions   what is committed together with an event because somebody reacts to it
    receipt     waiting for the commit of one event
    publishing  a person or program publishes by the API
    streams     readers of the live stream, found without asking all of them

Who calls it: the gateway gives device events to ingest and delivers what the bus brings; the HTTP
edge publishes and opens streams; health publishes vitals. It must not know what a device is
beyond its id and owner, nor call a webhook: whoever reacts to events listens on the bus, or has
rows committed with them.
"""
