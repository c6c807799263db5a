"""Programs under load, looked at every ten seconds: what they hold in memory, how much CPU they took, and what they say of themselves.

The memory of its own is what the kernel calls RssAnon: heap, stacks and nothing that has a file behind it. The local tables are files that are
mapped to be read (LMDB writes them by write(2)), so whatever of them is resident is page cache and counts as RssFile, with the program's text."""

import json
import os
import time
from pathlib import Path

EVERY_S = 10
MIB = 1024


def memory(program):
    """{"rss", "own", "files"} in KiB."""
    found = dict(line.split(":") for line in Path(f"/proc/{program.process.pid}/status").read_text().splitlines())
    return {name: int(found[field].split()[0]) for name, field in (("rss", "VmRSS"), ("own", "RssAnon"), ("files", "RssFile"))}


def cpu_s(program):
    fields = Path(f"/proc/{program.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Watch:
    """`gauges(name of a program, its metrics)`: more numbers for each look. With `out` every look is a line of JSON there as soon as it was made."""

    def __init__(self, programs, out=None, gauges=lambda name, metrics: {}):
        self.programs = programs
        self.gauges = gauges
        self.looks = []
        self.out = open(out, "a", encoding="utf-8") if out else None  # noqa: SIM115 - open as long as the watch
        self.began = time.monotonic()
        self.due = 0.0

    @property
    def now(self):
        return time.monotonic() - self.began

    def work(self):
        """Looks when it is time to; fails when a program has ended by itself."""
        if self.now < self.due:
            return
        self.due = max(self.due + EVERY_S, self.now)
        look = {"at_s": round(self.now, 1)}
        for program in self.programs:
            program.check()
            look[program.name] = {**memory(program), "cpu_s": cpu_s(program), **self.gauges(program.name, program.metrics())}
        self.looks.append(look)
        if self.out:
            print(json.dumps(look), file=self.out, flush=True)


def slope(looks, name, field, since_s):
    """Least squares of a field over the time from `since_s` on: (KiB an hour, standard error of it, number of looks)."""
    points = [(look["at_s"] / 3600, look[name][field]) for look in looks if look["at_s"] >= since_s]
    if len(points) < 3:
        return 0.0, 0.0, len(points)
    mean_x, mean_y = (sum(point[i] for point in points) / len(points) for i in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    left = sum((y - mean_y - rise * (x - mean_x)) ** 2 for x, y in points)
    return rise, (left / (len(points) - 2) / spread) ** 0.5, len(points)


def at(looks, name, seconds):
    """The last look until then."""
    found = [look for look in looks if look["at_s"] <= seconds + EVERY_S / 2]
    return (found or looks)[-1][name]


def highest(looks, name, field):
    return max(look[name][field] for look in looks)


def show_over_time(looks, names, rows=13):
    """A table for the documents: memory of each program at even distances, and the line through the last three quarters."""
    length = looks[-1]["at_s"]
    print("\n| minute | " + " | ".join(f"{name}: own, resident (MiB)" for name in names) + " |\n|" + " --- |" * (1 + len(names)))
    for row in range(rows):
        moment = length * row / (rows - 1)
        cells = [f"{at(looks, name, moment)['own'] / MIB:.2f}, {at(looks, name, moment)['rss'] / MIB:.1f}" for name in names]
        print(f"| {moment / 60:.0f} | " + " | ".join(cells) + " |")
    print("\n| line through the last three quarters | own, KiB/h | resident, KiB/h | CPU of the whole run |\n| --- | --- | --- | --- |")
    for name in names:
        fits = [slope(looks, name, field, length / 4) for field in ("own", "rss")]
        used = looks[-1][name]["cpu_s"] - looks[0][name]["cpu_s"]
        print(f"| {name} | " + " | ".join(f"{rise:+.0f} ± {2 * error:.0f} ({count} looks)" for rise, error, count in fits)
              + f" | {100 * used / max(length, 1):.1f} % of a core |")
