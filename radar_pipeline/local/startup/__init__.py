"""What a program of the stack does before anything else: this folder stands on its path (``sitecustomize``).

What belongs here: how the interpreter is set up. What does not: anything that a program could do itself; what is
imported here is imported by every one of them, ministack included, which has other packages installed.
"""

from pathlib import Path

FOLDER = Path(__file__).resolve().parent
