"""Firmware: what an image is, which version a device should run, and what was released.

What it is for: reading module images and bundles as people upload them, making valid ones for
demonstrations and tests, the versions of products and their releases, and the one decision about
which version a device should run and whether it may be sent now.

Files, pure:
    reported       what a device said of itself, in the words of the decision
    targeting      the decision: facts in, an offer or a hold with its reason out
    target_rules   the rules of that decision, one function each
    remedies       what would change a decision, in a sentence
    content        what an uploaded file is: an image or a bundle
    release_rules  what a release changes of what is in force
    model          the values: a version, a release, an assignment
Files, with effects:
    store             the table of versions
    release_store     the tables of what is released, and of each release
    assignment_store  the table of versions that single devices shall run; rollouts write it
    count_store       the table of how many devices run each version
    facts             gathers what the decision looks at, of one device or many
    files             the files of versions, kept as blobs
    orphans           removes files that no row names
    library           versions: uploaded, listed, described, given back, deleted
    releasing         releases, one at a time, with proof
    proving           whether a version has run on a device
    impact, impact_classes   what a release would do
    explaining        the decision of one device in words
    locking           locks of single devices, with flash; updates without consent
    flashing          one file for one device
    leaving           what becomes of it when somebody's account is deleted
    plan_rules        what an owner's plan allows
    ports             what the services ask of deliveries
    telling           audit rows, outbox rows and events of a change
    services          builds them
Rooms within:
    images            module images and bundles: read, checked, built
    delivery          from a decision to what the device says afterwards

Who calls it: the HTTP edge for uploads, releases and explanations, the delivery for decisions,
rollouts for assignments, the command line for building.

What it must not do: decide anywhere else than in ``targeting`` what a device should run. What is
wrong with an upload is an error with a stable code and a sentence for the person who uploads.
"""
