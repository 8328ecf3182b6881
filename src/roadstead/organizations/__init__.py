"""Who a device or a product is accounted to, and on which plan.

What it is for: each owner (a person; later also an organization) is on exactly one plan. The plan
is stored here and asked from here; what a plan allows is for the capabilities that hold those
things.

Files:
    model  the plan names
    plans  the service that sets and tells an owner's plan
    store  the table ``plans`` and its queries

Who calls it: the command line (``roadstead plan set``), identity through the port ``AccountOpened``
when an account is created, and the HTTP edge. It calls identity, audit, storage and kit.

It must not know devices or products: they refer to an owner by id and ask for the plan.
"""
