"""Alerts: what is wrong with a fleet now, who is told of it, and who looks after it.

What it is for: people of a product write rules ("a device is offline for an hour"); a rule that
holds for a subject (a device, a firmware version, an integration, the fleet) opens one alert, which
a person acknowledges and which resolves when the condition has ended.

Pure:
    model        rules, alerts, what is watched
    checking     refuses rules that cannot be meant
    wording      rules in words;  evidence_words: the words of events and subjects
    vital_paths  the numbers that a rule can watch, and how they are found in a document of vitals
    hysteresis   from what was just heard to what is watched next; begin here
    reading      what an event says to the rules of its product

With effects:
    catalogue    all rules in memory, by product, kept current by the outbox
    reacting     what is written in the transaction of an event; evidence_store has its rows
    receivers    what integrations report of those whom they send to
    engine       opens and resolves what is due, by indexed rows; deciding, telling: its steps
    scoping, people   to which devices a rule applies, and who is told;  leaving: who goes
    ruling, acting   what people ask of rules, and of alerts; previewing: how many would match now
    rule_store, alert_store, evidence_store   tables and queries

Who calls it: ingest asks ``reacting`` about each event, integrations report receivers that fail,
the HTTP edge asks ``ruling`` and ``acting``. It must not look through a fleet periodically, and
sends nothing itself: notices do.
"""
