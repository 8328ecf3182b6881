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
    segments    pure: which events of a stretch of the history belong to whom
    segment_store  the tables of segments; ``indexing`` writes them behind the events
    history     searches and exports; ``history_store`` reads one bounded step
    ingest      acceptance: an id, the journal, and after the commit the bus
    reactions   what is committed together with an event because somebody reacts to it
    receipt     waiting for the commit of one event
    publishing  a person or program publishes by the API
    streams     readers of the live stream, found without asking all of them
    replaying   a stream that begins in the past and goes over to the live one
    subscriptions  named places in the events; ``subscription_store`` keeps them
    retention   deletes what is old by its plan; ``retention_rules`` (pure), ``retention_store``

Who calls it: the gateway gives device events to ingest and delivers what the bus brings; the HTTP
edge publishes and opens streams; health publishes vitals. It must not know what a device is
beyond its id and owner, nor call a webhook: whoever reacts to events listens on the bus, or has
rows committed with them.
"""
