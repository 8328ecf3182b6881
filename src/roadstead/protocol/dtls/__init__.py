"""DTLS 1.2 as devices speak it: raw public keys, one cipher suite, sessions that move and outlive.

What it is for: a protected channel between a device and the server, as two state machines without
sockets, clock or dice. No library speaks this combination: no server certificate, 8-byte connection
ids of a draft, record types for moved sessions.

Files:
    server              DtlsServer, the door: datagrams in, events out, for all devices
    admission           strangers: cookies, bounds, who is let in
    server_handshake    one handshake; client_hello: what is read before it; handshake_table: all
    session             one established session; snapshot: at rest; session_table: all
    crypto_jobs         the expensive computations, to be run in threads
    client              DtlsClient, the device's end; client_handshake, client_state: its parts
    events, output      what is told and sent; counters, limits: what is counted and bounded
    records, keys       protection; replay, guard: repeats, forgeries and noisy sources
    handshake_messages  the bytes of a handshake, with hellos, reassembly, cookie, reader, constants

Who calls it: the gateway (server), the simulator and tests (client).
It must not raise for what a peer sends, keep anything of a peer without a cookie, or use a record
number twice. Spec: RFC 6347, RFC 5246; device protocol notes §1.
"""
