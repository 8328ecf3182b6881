"""Products: devices that are made, sold and looked after as one.

What it is for: a product has an owner, a hardware platform, settings, devices that its owner put
into it, and groups of them. What is decided here: who belongs to a product, who may be let in,
what becomes of a device that says it belongs and was never imported.

Files:
    model        the values: product, its settings, a device in it, a group
    naming       pure: names, slugs and numbers of products
    preferences  pure: the settings of a product as people give them
    arrival_rules, import_rules  pure: what becomes of a device that arrives, or is imported
    device_lists pure: lists of devices as people send them
    group_naming pure: names and colours of groups
    store        the tables ``products`` and ``product_ids``
    membership_store  the table ``product_devices``
    group_store  the tables ``device_groups`` and ``device_group_members``
    import_store the tables of imports that run as jobs
    listing      the list of a product's devices as queries
    admitting    devices come in, leave, wait: the rows and counters of each step
    importing    some lines of a list become devices;  imports: short lists and jobs
    devices      listed, changed, taken out;  groups, group_membership: which groups they are in
    gatekeeping  answers to the room of devices: who may act, what an arriving device becomes
    editing      changes of a product;  ending, ending_store: its end, a job;  leaving: its owner's
                 account ends;  actor_documents: who asked for a job
    firmware_port, allowance  the ports to firmware and to plans
    access       the port by which a product learns what somebody may do with it
    moving       a product changes hands
    plan_counts  counts devices for plans;  group_plan: whether a plan has groups
    unclaimed    products whose unclaimed devices get no events
    team_access  fills it from teams and organizations
    service      create, list, get, and finding a product for a request

Who calls it: the HTTP edge. It calls devices, identity, audit, storage and kit. It must not know
firmware, roles of teams (it asks through ``access``) or HTTP.
"""
