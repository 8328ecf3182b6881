"""Revisions of the schema, in a line, run by ``storage.migrate``.

What it is for: a database made by an earlier version becomes one of this version, step by step.

Files:
    env             runs the revisions on the connection that ``storage.migrate`` hands over
    versions        one file per revision, numbered; each names the one before it
    script.py.mako  what a new revision file begins as

Who calls it: Alembic, through ``storage.migrate``; nothing imports it. A revision spells out its
tables and never imports a store, because a store changes and a released revision does not. Both
engines run the same revisions, and a contract test holds the result against the stores.
"""
