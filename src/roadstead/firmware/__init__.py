"""Firmware: what an image is, and which version a device should run.

What it is for: reading module images and bundles as people upload them, making valid ones for
demonstrations and tests, and the one decision about which version a device should run and whether
it may be sent now.

Files:
    platforms      the hardware, by platform id
    image          reading a module image, and checking it for a product
    extensions     the records around a module: assets, more dependencies
    image_builder  making images that devices and other tools take
    bundle         reading a .zip of an image with its assets
    bundle_builder making one
    targeting      the decision: facts in, an offer or a hold with its reason out
    target_rules   the rules of that decision, one function each

Who calls it: the HTTP edge for uploads and explanations, the delivery for decisions, the command
line for building.

What it must not do: anything with effects. All of it takes bytes or facts and gives values; what is
wrong with an upload is an error with a stable code and a sentence for the person who uploads.
"""
