"""Who changed what, when and from where.

What it is for: every change that a person or program makes leaves a row in the transaction that
makes it, with what was there before and after, without secrets. Rows are chained by hashes, so
that a row changed or removed later can be found.

Files:
    store   the table
    trail   ``record`` in a unit of work, ``verify`` over the whole chain

Who calls it: services of all capabilities above. It takes plain fields and knows nothing of
accounts or devices; it decides nothing and refuses nothing.
"""
