"""Clocks of processes that can be stepped while they run, by what clock.c does."""
import mmap
import sys


class Clock:
    def __init__(self, file, library):
        file.write_bytes(bytes(8))
        with open(file, "r+b") as opened:
            self.memory = mmap.mmap(opened.fileno(), 8)
        self.environment = {"TESSERA_CHAOS_CLOCK": str(file)}
        self.library = library

    def step_to(self, seconds):
        """The wall clock is that number of seconds ahead of the machine's from now on."""
        self.memory[:] = int(seconds * 10**9).to_bytes(8, sys.byteorder, signed=True)


def preload(*parts):
    """The environment in which a process loads these parts' libraries first."""
    environment = {}
    for part in parts:
        environment |= part.environment
    if parts:
        environment["LD_PRELOAD"] = ":".join(str(part.library) for part in parts)
    return environment
