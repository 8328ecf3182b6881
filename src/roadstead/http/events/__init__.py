"""Publishing, streams, history.

Files:
    events               publishing; ``product_events``, ``organization_events`` theirs
    event_streams        streams and where they go on; ``shared_stream`` several filters in one
    event_subscriptions  named places in a stream
    event_history        search and export
    event_reading        what these read from queries

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
