"""Events that leave the server: webhooks, bridges to brokers, time-series databases.

What it is for: an event of an account, a product or an organization becomes a request to where its
owner wants it, at least once, whatever the receiver does and however this process ends; and what
happened to each can be looked up and sent again.

Files:
    model, checking             what an integration is; what an owner sends becomes one (pure)
    template, variables         mustache over JSON values (pure)
    requests, replies           an event becomes a request; an answer becomes events (pure)
    line_protocol, masking      InfluxDB's lines; what is shown in place of secrets (pure)
    retry, breaker, matching    when again; may it go now; which integrations (pure)
    store, delivery_store, delivery_queries   the tables
    service, delivery_log       what owners do with integrations and with deliveries
    catalogue, product_owners   what is kept in memory, made current by the outbox
    lanes, engine               deliveries of one hook in memory; running those of all
    sending, trying, settling, breakers   one request: its senders, itself, what follows, the limits
    mqtt, broker_address, commands   bridges to brokers, and what brokers may ask
    template_files, templates   settings for known receivers, as files

How an event comes here: ingest asks the engine (``plan``) before it writes the event, and the rows
of deliveries are committed with it. Nothing polls, and nothing is lost in between.

Who calls it: the HTTP edge; ingest by its own port. It must not wait for a receiver while a device
waits for its acknowledgement, nor let one owner's receivers hold up another's.
"""
