"""Products, their devices and groups.

Files:
    products         create, list, change and delete; ``moving`` between owners
    product_devices  lists and edits; ``product_device_query`` what lists may be asked
    device_imports   lists and files of ids, as jobs
    groups           slices of a fleet
    product_parts    shapes shared by these

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
