"""Measurements against named peers and limits, side by side on the same machine.

What belongs here: one module a measurement, each a command of its own, and the peers that it is measured against
(``peers``). What does not: tests; a benchmark asserts only that both sides did the same work. Every side of a
measurement runs in a fresh process, in turn with the others, because the machine is never quite alone.
"""
