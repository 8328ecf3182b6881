"""How devices and fleets are, and who is told.

Files:
    health               the check of one device, the fleet's condition and trends, thresholds
    fleet_metrics        the field's charts over time
    alerts, alert_rules  what fires, and what makes it fire

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
