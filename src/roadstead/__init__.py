"""Roadstead: the device cloud you own.

One program that takes a connected product from the first development kit to a fleet. Start
reading at docs/architecture.md; each package below says in its docstring what it is for, who
calls it and what it must not do.
"""

__version__ = "0.1.0"
