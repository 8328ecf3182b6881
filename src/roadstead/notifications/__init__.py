"""Notices to people: a device that fell silent, a rollout that was halted, a webhook that fails.

What it is for: whoever finds out that a person must know calls ``Notices.notify`` with an owner, a
kind and facts; the owner's preferences decide by which ways the notice goes, and when.

Files:
    model       owners, severities, preferences, notices
    quiet       pure: when is it night for somebody?
    letters     pure: a notice in words; ``templates.toml`` has the words, an operator may add some
    store       preferences, notices, and the ways that each goes
    service     preferences; ``notify``, also within somebody else's transaction
    courier     carries notices out: by mail, or by a signed webhook; tries again

Who calls it: health and rollouts, and whoever else has something to say; the HTTP edge for
preferences. It must not know what a device is, nor decide what is worth a notice.
"""
