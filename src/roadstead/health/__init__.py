"""Vitals: what devices say about how they are.

What it is for: it turns the numbered diagnostics of a device into the document that the public API
shows, keeps the last one of each device, and tells readers of the stream.

Files:
    vitals       pure: from readings to the document
    vital_words  the words of its enumerations
    store        the table of last vitals
    service      refresh, last, and the sink that the gateway feeds

Who calls it: the gateway hands over readings as they come, the HTTP edge asks for the last ones
and for fresh ones. It must not judge a fleet or send alarms (a later room of this package), and
not read the wire: readings come decoded.
"""
