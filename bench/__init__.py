"""`make bench`: what this server does per second and per device, beside others on the same machine.

Every measurement starts real processes, and every figure stands beside a yardstick of the same
run, because absolute numbers say more about the machine than about the program. The program under
test gets the first core to itself, the load generator (this process) the second; where there is
only one core the report says so. Devices here speak the real wire: their records are encrypted
before the clock starts, so that the generator is not what is measured.

``machine`` pins processes and reads what they used; ``seeding`` makes data folders with devices and
sessions; ``server`` runs `roadstead serve`; ``load`` sends datagrams in a closed loop. One module
for each question: ``crypto_floor`` and ``handshakes`` (a), ``events`` (b) with the peers in
``peers``, ``memory_and_restart`` (c, e), ``streams`` (d), ``fleet`` and ``api_reads`` (e, f),
``updates`` (g), ``targets`` (j), ``history`` (k).
``report`` turns figures into the table on the terminal and into docs/performance.md.

Nothing here is imported by the server.
"""
