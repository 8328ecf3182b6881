"""Firmware: what an image is, which version a device should run, and what was released.

What it is for: reading module images and bundles as people upload them, making valid ones for
demonstrations and tests, the versions of products and their releases, and the one decision about
which version a device should run and whether it may be sent now.

Files, pure:
    platforms      the hardware, by platform id
    image          reading a module image, and checking it for a product
    extensions     the records around a module: assets, more dependencies
    image_builder  making images that devices and other tools take
    bundle         reading a .zip of an image with its assets
    bundle_builder making one
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
    library           versions: uploaded, listed, described, given back, deleted
    releasing         releases, one at a time, with proof
    proving           whether a version has run on a device
    impact            what a release would do
    explaining        the decision of one device in words
    locking           locks of single devices, with flash; updates without consent
    flashing          one file for one device
    leaving           what becomes of it when somebody's account is deleted
    plan_rules        what an owner's plan allows
    ports             what the services ask of deliveries
    telling           audit rows, outbox rows and events of a change
    services          builds them
Files of deliveries, from a wish to what the device says afterwards:
    delivery_model    the values; delivery_rules (pure): what an end, a Hello, a deadline mean
    delivery_store    the table that is queue and history in one; push_store: releases at once
    delivery          the engine as others see it; agenda: what it does later, and beside
    delivery_looks    devices to look at, in batches; delivery_looking: one look
    delivery_turns    open deliveries and their deadlines; delivery_queue: the line
    delivery_sending  one transfer; delivery_files: one copy of a file for all devices
    delivery_keeping  writes what becomes of them; delivery_telling: the events about them
    delivery_pushes   a product's connected members, a page at a time
    missing_modules   (pure) what a device in safe mode lacks

Who calls it: the HTTP edge for uploads, releases and explanations, the delivery for decisions,
rollouts for assignments, the command line for building.

What it must not do: decide anywhere else than in ``targeting`` what a device should run. What is
wrong with an upload is an error with a stable code and a sentence for the person who uploads.
"""
