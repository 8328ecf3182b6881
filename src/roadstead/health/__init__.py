"""How devices and whole fleets do.

What it is for: it turns the numbered diagnostics of a device into the document that the public API
shows, keeps those of a month, and tells readers of the stream. It counts what the devices of a
product do, as it happens, for charts of the fleet.

Files:
    vitals       pure: from readings to the document
    vital_words  the words of its enumerations
    store        the table of last vitals
    vitals_history  the table of a month's vitals, and as CSV
    service      refresh, last, history, and the sink that the gateway feeds
    fleet_series   pure: what is counted, and how minutes become points
    fleet_store    the table of counts
    fleet_metrics  counts what the bus brings; gives the points of charts

Who calls it: the gateway hands over readings as they come, the HTTP edge asks for the last ones
and for fresh ones. It must not judge a fleet or send alarms (a later room of this package), and
not read the wire: readings come decoded.
"""
