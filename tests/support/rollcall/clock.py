"""The wall clock of programs, moved while they run: tests/fault/clock.so in front of them, and a file that says how far."""

import struct

from rollcall.process import BIN

PRELOAD = str(BIN / "fault/clock.so")


class Clock:
    """What programs that are started with environment() take for the time; each may have one of its own."""

    def __init__(self, path):
        self.path = path
        self.offset_s = 0.0
        path.write_bytes(struct.pack("q", 0))

    def environment(self, *preloads):
        """`preloads`: what stands in front of it."""
        return {"LD_PRELOAD": " ".join([*map(str, preloads), PRELOAD]), "RC_CLOCK": str(self.path)}

    def set(self, offset_s):
        """So far from the true time, at once: the file is mapped into the programs."""
        self.offset_s = offset_s
        with open(self.path, "r+b") as file:
            file.write(struct.pack("q", int(offset_s * 1e9)))

    def step(self, seconds):
        self.set(self.offset_s + seconds)
