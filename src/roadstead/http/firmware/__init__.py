"""Firmware versions, and which device runs which.

Files:
    firmware           upload, list, download, delete
    firmware_releases  releases, locks, the look ahead, targets explained
    flashing           one file for one device
    firmware_history   what updates a device had

Each module has the wire shapes of its noun, its handlers and its rows of the table of operations,
which ``http.operations`` joins.
"""
