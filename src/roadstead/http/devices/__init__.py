"""Single devices, with the account that owns them.

Files:
    devices                 list, look, rename, claim and remove; ``ownership`` who has which
    device_calls            functions, variables, ping, signal
    claim_codes, transfers  how a device comes to an account
    provisioning            keys
    diagnostics             vitals, last and past
    simulated_device        one without hardware, for newcomers

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
