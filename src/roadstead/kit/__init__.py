"""Words without a domain: time, identifiers, errors, pages.

What it is for: the few notions that every other package needs and that know nothing of devices,
people or the network.

Files:
    clock   the one module that may read time; everything else gets a Clock or a number
    ids     identifiers as the field writes them: 24 hex digits, 40-hex tokens, event numbers
    errors  the base of errors that a user may see: a stable code and a sentence, never a status
    paging  a page of results
    toml_texts  a flat TOML file as texts

Who calls it: everybody. It imports nothing of the project.
"""
