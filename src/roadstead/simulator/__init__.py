"""Virtual devices and fleets that speak the real wire over real UDP sockets.

What it is for: trying the server without hardware (`roadstead simulate`, `roadstead demo`), loading
it, and driving it in system tests. A virtual device has a key of its own, shakes hands, says hello,
describes itself, answers calls, publishes, sleeps, moves and loses packets as a device does.

Files:
    generation    what the releases of Device OS do differently, as one table
    identity      who a virtual device is: id, key, platform
    firmware      the application of a device: functions, variables, subscriptions, events, vitals
    cold_chain    a believable product: fridges with a door, a compressor and a thermostat
    description   what a device says of itself, in the form of its generation
    answers       what a device answers to a request of the server
    device        VirtualDevice: the life of one device, from handshake to sleep
    network       loss, duplication, reorder and delay of datagrams
    port, timers  one UDP socket per device, one timer heap for all of them
    cloud_account registration and claiming through the HTTP API
    fleet         many devices in one process; state_folder keeps their keys and sessions

Who calls it: `cli.simulate`, `cli.demo`, tests. It must not import anything of the server: it knows
`protocol` and `kit` only, so that it sees what a device sees. It is no witness for what a real
device does; the recordings are.
"""
