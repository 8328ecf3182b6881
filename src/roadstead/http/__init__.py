"""The API edge: what people and programs reach over HTTP.

What it is for: it turns requests into calls of the services and their answers into the byte shapes
that the field's client tools read. It decides nothing about devices, events or people.

Files:
    operations   THE table of operations: the table of contents of the API
    operation    what one row of that table says
    app          HttpParts (what the edge is given) and ``build_app``
    dispatch     one request, step by step: route, caller, body, permission, handler, answer
    routing      finds the row for a method and a path; fixed names win over a device's own names
    fields       bodies (JSON, forms) into named fields, with their limits
    credentials, callers   who asks: tokens and Basic pairs, addresses behind trusted proxies
    errors       the one table from error codes to statuses and body shapes
    envelope     what surrounds every answer: request id, headers, access log, counters
    sse          event streams: keep-alive, slow readers, the end of a token or of the server
    certificate  the files of HTTPS, read again on demand
    rate_limits  how often one address may ask
    metrics, openapi, api_page   what is said about the server and its API
    server, server_facts, server_status, not_offered, web_pages
                 the server itself, what it does not offer, and pages that are no API

Rooms, one for each kind of noun; in a module of theirs are its wire shapes and its handlers:
    accounts, people, devices, products, firmware, rollouts, health, events, integrations

Who calls it: ``main`` builds it and lets uvicorn serve it.

It must not hold state of its own beyond counters and open streams, and must not import the gateway.
"""
