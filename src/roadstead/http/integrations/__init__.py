"""Webhooks and other integrations, and what became of each delivery.

Files:
    integrations                            create, change, test, reset, templates
    deliveries                              the log and sending again
    integration_parts, integration_answers  shapes shared by these

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
