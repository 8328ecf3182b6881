"""Virtual devices and fleets that speak the real wire over real UDP sockets.

What it is for: trying the server without hardware (`roadstead simulate`, `roadstead demo`), loading
it, and driving it in system tests. It is no witness for what a real device does; recordings are.

Files:
    device        VirtualDevice: an application on a connection; begin here
    connection    coming online, staying there, sleeping, moving, coming back
    channel       UDP port, DTLS session and CoAP exchanges joined; port, timers, network under it
    greeting      what a device sends when it connects; description: what it says of itself
    answers       what it answers to the server; publishing: what became of its events
    updating      how it takes firmware over the air; module_image: what it reads of a file
    generation    what the releases of Device OS do differently; identity: id, key, platform
    firmware      what an application is; cold_chain (fridges) and workbench are two
    fleet         many devices in one process, with plan, fleet_life, counters and state_folder
    fleet_file    a fleet as people describe it; radio: what connections cost; described: the file
                  as a plan; behaviour: how a device and its version truly behave
    cloud_account registration and claiming through the HTTP API

Who calls it: `cli.simulate`, `cli.demo`, tests. It must not import anything of the server: it knows
`protocol` and `kit` only, so that it sees what a device sees.
"""
