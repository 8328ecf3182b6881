"""Module images: what devices run, as files.

What it is for: reading the images and bundles that people upload, saying by name what is wrong with
one, and making valid ones for demonstrations and tests. Nothing here has effects: bytes in, values
or an error out.

Files:
    platforms      the hardware, by platform id
    image          reading a module image, and checking it for a product
    extensions     the records around a module: assets, more dependencies
    image_builder  making images that devices and other tools take
    bundle         reading a .zip of an image with its assets;  bundle_builder: making one

Who calls it: the library of versions, flashing, the command line, the simulator's tests.
Spec: device protocol notes §6.
"""
