"""Who may do what: accounts, access tokens, and the one permission table.

What it is for: it knows people by e-mail address and password, hands out access tokens and turns a
presented token back into an ``Actor``; and it says, in one table, what an actor may do.

Files:
    model        User, AccessToken and Actor, the one who asks for every operation
    permissions  THE permission table: roles, permissions, and the pure question ``allows``
    clients      the OAuth client pairs that the official tools carry in their sources
    credentials  the rules of user names, passwords, account facts and token lifetimes (pure)
    hashing      argon2id in a small thread pool of its own, with a bounded queue
    token_cache  recently seen tokens, dropped as soon as anything about them changes
    store        the tables ``users`` and ``access_tokens`` and their queries
    tokens       what is done with access tokens: issue, find the actor, revoke
    refresh      refresh tokens, exchanged once each
    service      accounts, on top of the tokens: gathers facts, decides, applies
    lockout      refuses to go on guessing;  recording: the audit row of a change
    totp         pure: one-time codes;  second_factor: who has one, and its recovery codes
    lost_factor  the operator takes one away
    sign_in      which proofs give which token
    resets       a new password by mail;  letters: what the server writes to people
    removal      the end of an account
    oauth_clients   programs that tokens are issued through;  client_store: their table
    customers    end users of a product, in three kinds;  customer_store: their table
    authorizing  codes of the login page
    safety_store the tables of factors, codes, resets and refresh tokens

Who calls it: the HTTP edge for every request, the command line, and organizations for the owner of
a plan. It calls audit, bus, storage and kit.

It must not know what a device or a plan is (a new account is told outward through the port
``AccountOpened``), and it never keeps a password or a token: only hashes and digests.
"""
