"""Where things are kept: engines, units of work, the journal, the outbox, secrets at rest.

What it is for: a capability writes plain functions of a SQLAlchemy Core connection in its
``store.py`` and runs them here; the same functions work on SQLite and on PostgreSQL.

Files:
    database    the Database port and what a unit of work is
    sqlite      one writer thread with group commit
    sqlite_reading  its reader threads
    postgres    the same over asyncpg; ``copying`` appends by COPY there
    opening     a Database from a URL
    columns     column types and the one MetaData that all tables join
    migrate     brings a database to the schema of this version; revisions in ``migrations``
    journal     rows from hot paths, in batches of a few milliseconds
    outbox      changes that other processes must hear of
    disk        room on the disk, in words
    sweeping    rows that have had their time, deleted in small steps
    backup      one checked file of a data folder; restoring makes a folder of it
    secret_box  encryption at rest under a key outside the database

Who calls it: every capability's store and service, and the composition root. It knows no table of
theirs, and nothing else in the program opens a database.
"""
