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
    check_rules    pure: how a device is, by facts and thresholds; thresholds, resets: its words
    checks         the check of one device, a product's thresholds; table in threshold_store
    condition      pure: what is remembered of a device, and the sums under which it stands
    condition_store  the table of conditions; trend_store: those of sums, now and by the hour
    fleet_health   takes note of what devices do; gives the state of a fleet and its trends
    trend_rules    pure: which trends there are, and how sums become points
    fleet_series   pure: what is counted, and how minutes become points
    fleet_store    the table of counts
    fleet_metrics  counts what the bus brings; gives the points of charts
    alerting/    rules, alerts, and who is told of them

Who calls it: the gateway hands over readings as they come, the HTTP edge asks for the last ones
and for fresh ones. Of webhooks it is told by whoever builds the server. It must not look at all
devices of a product for anything, and not read the wire: readings come decoded.
"""
