"""The ``roadstead`` command.

What it is for: starting the server, and the operator's commands on its data folder, which work
whether the server runs or not. A running server hears of each change through the outbox.

Files:
    entry        reads the command line, maps errors to one line on stderr and an exit code
    data_folder  the option ``--data-dir`` and the settings that go with it
    operator     the services that operator commands use, on the folder's database
    serve        ``roadstead serve``; log_lines is the shape of its log
    user         ``roadstead user create``
    plan         ``roadstead plan set``
    server_key   ``roadstead server-key export``
    device       ``roadstead device register``; device_csv reads its lists
    db           ``roadstead db upgrade``
    audit        ``roadstead audit list``, ``audit verify``
    backup       ``roadstead backup`` and ``roadstead restore``
    doctor       ``roadstead doctor`` and ``doctor device``: doctor_checks, doctor_device, findings
    simulate     ``roadstead simulate``
    demo         ``roadstead demo``; demo_server, demo_feed and demo_screen are its parts

Who calls it: people, and tests as a process. Each command is one module with ``register``, listed
in ``entry.COMMANDS``.

It must not decide anything: rules live in the services, which are the same as the server's.
"""


def main() -> None:
    """The console script: runs the command line of this process and exits with its code."""
    import sys

    from roadstead.cli.entry import run

    sys.exit(run(sys.argv[1:]))
