"""Devices: who they are, whose they are, what they can do, whether they are there.

What it is for: the registry of devices and their keys, claiming and naming, the calls that a person
makes to a device, and what devices report of themselves.

Files:
    model        the values: device, key, registration, identity, presence, views
    keys         public keys in their one form
    naming       pure: names and notes that people give
    releases     pure: Device OS release from its number
    store        tables of devices and keys
    presence_store  the table of what was last known of each device's connection
    registry     registration and provisioning; identities, cached, for the gateway
    registering  registration within a transaction;  announcing: how a change is told
    first_keys   the first key of a device that was imported without one
    membership   the port to products;  product_store: what ``devices`` has of them
    reaching     which device a request means, and who reaches it
    identity_cache  identities of devices seen lately
    reports      what a device says of itself
    presence     who is online, in memory, written behind
    service      what a person does with a device
    taking       a person takes a device that is nobody's
    link         the port to a connected device, filled by the gateway
    claiming     claim codes;  transfers: requests to hand a device over;  claim_store: both tables
    leaving      what becomes of devices whose owner's account ends
    errors       what can go wrong, by name
    server_keys  the server's own keys

Who calls it: the HTTP edge and the command line (service, registry), the gateway (registry,
reports, presence). It must not speak the wire, nor know products, firmware or HTTP.
"""
