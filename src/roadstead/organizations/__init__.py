"""Who belongs together: organizations, teams, and the plan that an owner is on.

What it is for: products belong to a person or to an organization. Both are on a plan, which limits
what may be added; both have teams, whose members have roles. What an actor is to a product or an
organization is gathered here, in one place; what a role may do is the permission table's.

Files:
    model      owners, organizations, members, API users, invitations
    authority  what an actor is to a product or an organization
    plans.toml, terms   what each plan allows
    plans      the service that sets and tells an owner's plan
    limits     room for more devices, reserved in the transaction that adds them
    service    organizations: create, find for a request, change, hand over, remove
    teams      who is on a team;  invitations: how people come onto it;  roles: as people write them
    api_users  programs on a team, with scopes and one token
    agreements an owner's plan with its use
    letters    what is written to people;  telling: audit rows and messages of a change
    store, organization_store, team_store   the tables and their queries

Who calls it: the HTTP edge, the command line, identity through the port ``AccountOpened``, and the
capabilities that hold devices and products. It calls identity, audit, outbound, storage and kit.

It must not know devices or products: they are counted through the port ``limits.DeviceCounts``, and
a product is its number and its owner.
"""
