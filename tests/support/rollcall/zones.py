"""Time zones of a test's own, in which it is as late as the test wants."""

import os
import struct
from pathlib import Path

SYSTEM = Path("/usr/share/zoneinfo")


def folder(parent):
    """A folder for TZDIR with the system's zones. Returns its path as text."""
    made = parent / "zoneinfo"
    made.mkdir()
    for entry in os.listdir(SYSTEM):
        (made / entry).symlink_to(SYSTEM / entry)
    return str(made)


def write(made, zones):
    """Adds `zones`: {"Area/Name": [(offset_s,), (from_s, offset_s), …]}, of which the first holds from the beginning."""
    for name, shifts in zones.items():
        path = Path(made) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(_file(shifts))


def until_midnight(now, seconds):
    """The offset, in seconds and within half a day, of a clock that shows so many seconds before midnight."""
    offset = (86400 - seconds - now) % 86400
    return offset - 86400 if offset > 43200 else offset


def _file(shifts):
    """A file of the tz database (RFC 8536, version 1): offsets to the second."""
    (first,), *later = shifts
    offsets = [first, *(offset for _, offset in later)]
    head = b"TZif" + b"\0" * 16 + struct.pack(">6l", 0, 0, 0, len(later), len(offsets), 4)
    moments = b"".join(struct.pack(">l", moment) for moment, _ in later) + bytes(range(1, len(offsets)))
    return head + moments + b"".join(struct.pack(">lBB", offset, 0, 0) for offset in offsets) + b"TST\0"
