"""One's own account: signing in, tokens, second factor, data, audit.

Files:
    oauth          tokens for passwords, refresh tokens, clients, codes; ``authorize`` its page
    users          creation, names, passwords, deletion; ``passwords`` the reset by mail
    second_factor  enrolment and recovery codes
    access_tokens  list and revocation; ``browser_session`` the console's cookie
    clients        OAuth clients of accounts and products
    account_data   export of one's data
    agreements     what a plan says of one's limits
    notices        what people are told, and how they want it
    audit          trails, listed, filtered and exported

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
