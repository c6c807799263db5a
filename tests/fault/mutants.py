"""The checker is checked: each rule that common/mutant.h breaks on purpose must be found by chaos within a stated number of runs.

    tests/support/python.sh tests/fault/mutants.py --all                all of them, each until it is caught
    tests/support/python.sh tests/fault/mutants.py --only UNCHAINED     one, or several: NAME,NAME
    tests/support/python.sh tests/fault/mutants.py                      three that the first run catches: what tests/run.sh runs
    tests/support/python.sh tests/fault/mutants.py --all --control      the same runs with no rule broken: nothing may be found

The programs are built with -DRC_MUTANTS=ON in build-mutants/; what is not Rollcall's own (the sandbox, preloaded libraries) comes from
build/. Each mutant has the faults that make its rule matter, and all of them happen in runs of chaos as they are.
"""

import argparse
import contextlib
import io
import multiprocessing
import multiprocessing.connection
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-mutants"
PROGRAMS = BUILD / "programs"
# Where the harness looks for programs; it reads this when it is imported.
os.environ["RC_BIN"] = str(PROGRAMS)

from rollcall import world  # noqa: E402
from rollcall.chaos import run as chaos  # noqa: E402

SETTLE_S = 40  # a mutant that is caught because nothing settles is caught no better after longer
SHORT = ("UNCHAINED", "SKIPPED_ANYWAY", "COMMIT_UNSEEN")

# name: (faults of the runs, their seeds; the last is the latest by which it has to be caught): what a seed decides beside them, such as
# which lanes run apart, is part of what a rule needs to matter.
MUTANTS = {
    "ABSENT_ONCE": (["Kombo forgets people once"], range(100, 102)),
    "BRAKE_IGNORED": (["holds decided"], range(100, 102)),
    "FETCH_CUT": (["Kombo"], range(100, 104)),
    "WATERMARK_MOVED": (["Kombo is away for ten minutes"], range(100, 103)),
    "UNCHAINED": (["once"], [100]),
    "PUBLISHED_APART": (["death inside a transaction"], range(100, 102)),
    "UNFENCED": (["SIGSTOP inside a transaction"], range(100, 105)),
    "COMMIT_UNSEEN": (["slow disk"], range(100, 103)),
    "SKIPPED_ANYWAY": (["once"], [100]),
    "NO_BARRIER_GONE": (["back before the deactivation's answer"], [107, 108, 109, 116, 126, 130]),
    "NO_BARRIER_DONE": (["changed before the creation's answer"], [108, 120, 121, 128, 133, 138]),
    "FORGOTTEN_STAYS": (["forget", "replay"], range(100, 104)),
    "TWO_IN_FLIGHT": (["late effect before a change"], range(100, 106)),
    "UNHELD": (["late effect before a change"], range(100, 106)),
    "NO_WAIT_AT_START": (["late effect before a change"], range(100, 108)),
    "OFFSET_FIRST": (["SIGKILL", "Learn Amp"], range(100, 103)),
    "ADOPTS_ANYBODY": (["an address handed on"], range(100, 103)),
    "PAUSE_IGNORED": (["pause and resume"], range(100, 106)),
    "PARKED_BARE": (["once"], [100]),
    "ATTEMPTS_LOST": (["a manager leaves"], range(100, 103)),
    "DEAD_AT_ONCE": (["Learn Amp"], range(100, 108)),
}

# What chaos does not find yet, and why: said with every result, so that nobody takes them for caught.
NOT_FOUND = {
    "METADATA_LATE": "workers end before a member rejoins, so a second rule does what this one does; the model (tests/model) needs it",
    "TAKEOVER_EARLY": "a producer's tables are seldom behind when it takes over, and its last poll of before waits for them as well",
    "VERSION_FALLS": "somebody has to change twice within the seconds in which the clock of their producer is back",
    "LANE_EARLY": "behind the barrier of S4 everything is mended: what is left is requests, and for a moment an older state",
}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="NAME,…: these alone")
    parser.add_argument("--all", action="store_true", help=f"and not only {', '.join(SHORT)}")
    parser.add_argument("--control", action="store_true", help="with no rule broken, the whole number of runs of each")
    parser.add_argument("--slots", type=int, default=2, help="mutants side by side")
    parser.add_argument("--keep", help="a folder in which logs and files of all runs stay")
    options = parser.parse_args()
    options.names = [name for name in options.only.split(",") if name] or list(MUTANTS if options.all else SHORT)
    unknown = set(options.names) - MUTANTS.keys()
    if unknown:
        parser.error(f"no such mutant: {', '.join(sorted(unknown))}; there are: {', '.join(MUTANTS)}")
    return options


# --- the programs ---------------------------------------------------------------------------------------------------

def build():
    """The two programs, without optimisation: that takes a third of the time."""
    began = time.monotonic()
    for command in (["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DRC_MUTANTS=ON", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O0"],
                    ["cmake", "--build", BUILD, "--target", "bin/rollcall-producer", "bin/rollcall-consumer"]):
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"not ok mutants are built: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    PROGRAMS.mkdir(exist_ok=True)
    for folder, name in ((BUILD, "rollcall-producer"), (BUILD, "rollcall-consumer"), (ROOT / "build", "rollcall-sandbox"), (ROOT / "build", "fault")):
        link = PROGRAMS / name
        if not link.is_symlink():
            link.symlink_to(folder / "bin" / name)
    print(f"ok mutants are built ({time.monotonic() - began:.0f} s)", flush=True)


def check_table():
    """Every mutant of the programs is in a table here, and stands in the code."""
    declared = re.findall(r"^ +X\(([A-Z_]+),", (ROOT / "common/mutant.h").read_text(), re.MULTILINE)
    known = MUTANTS.keys() | NOT_FOUND.keys()
    assert set(declared) == known, f"common/mutant.h and this table differ: {set(declared) ^ known}"
    sources = [path.read_text() for folder in ("common", "producer", "consumer") for path in (ROOT / folder).rglob("*.[ch]")]
    for name in declared:
        assert any(f"RC_MUTANT({name})" in text for text in sources), f"RC_MUTANT({name}) stands nowhere"


# --- runs -----------------------------------------------------------------------------------------------------------

def hunt(name, options, cluster):
    """(name, runs, what found it or "", the first problem, seconds, whether the harness broke)"""
    faults, seeds = MUTANTS[name]
    began, met = time.monotonic(), Counter()
    if options.control:
        os.environ.pop("RC_MUTANT", None)
    else:
        os.environ["RC_MUTANT"] = name
    for number, seed in enumerate(seeds, 1):
        told = io.StringIO()
        with contextlib.redirect_stdout(told):
            figures = chaos.Run(seed, cluster, only=faults).conduct()
        met.update(figures["faults"])
        if options.keep:
            Path(options.keep, f"{name}-{seed}.txt").write_text(told.getvalue())
        if figures["crash"] or (options.control and figures["problems"]):
            print(told.getvalue())
        if figures["crash"]:
            return name, number, "", figures["crash"], time.monotonic() - began, True
        if figures["problems"]:
            book, found = next(iter(figures["problems"].items()))
            books = ", ".join(sorted({title.split(":")[0] for title in figures["problems"]}))
            return name, number, books or book, str(found[0]), time.monotonic() - began, False
    return name, len(seeds), "", f"what happened: {dict(met)}", time.monotonic() - began, False


def slot(connection, options):
    """Hunts one after the other, on a Kafka of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    chaos.SETTLE_S = SETTLE_S
    world.KEEP = options.keep
    cluster = None
    try:
        while True:
            try:
                name = connection.recv()
            except EOFError:
                return
            cluster = cluster or world.Kafka(brokers=1)
            connection.send(hunt(name, options, cluster))
    finally:
        if cluster:
            cluster.stop()


def hunts(options):
    """Yields what hunt() says of each, as it comes."""
    waiting, working = list(reversed(options.names)), {}
    try:
        while len(working) < options.slots and waiting:
            ours, theirs = multiprocessing.Pipe()
            process = multiprocessing.get_context("spawn").Process(target=slot, args=(theirs, options))
            process.start()
            theirs.close()
            working[ours] = process
            ours.send(waiting.pop())
        while working:
            for connection in multiprocessing.connection.wait(list(working)):
                yield connection.recv()
                if waiting:
                    connection.send(waiting.pop())
                else:
                    connection.close()
                    working.pop(connection).join()
    finally:
        for connection, process in working.items():
            connection.close()
            process.terminate()
            process.join()


def main():
    options = parse()
    check_table()
    if options.keep:
        Path(options.keep).mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    build()
    rows, failed = [], 0
    for name, runs, by, problem, seconds, broke in hunts(options):
        well = not broke and bool(by) != options.control
        failed += not well
        rows.append((name, runs, len(MUTANTS[name][1]), by, seconds))
        print(f"{'ok' if well else 'not ok'} {'nothing is found without ' if options.control else 'chaos finds '}{name}: "
              f"{f'run {runs}, by {by}' if by else f'{runs} runs, nothing found'} ({seconds:.0f} s)"
              + (f"\n    {problem.splitlines()[-1 if broke else 0][:300]}" if problem else ""), flush=True)
    print(f"\n{'mutant':<17} {'caught by run':>13} {'at most':>7}  by")
    for name, runs, within, by, _ in sorted(rows):
        print(f"{name:<17} {runs if by else '-':>13} {within:>7}  {by}")
    for name, why in NOT_FOUND.items() if options.all else ():
        print(f"{name:<17} {'not found':>13} {'':>7}  {why}")
    print(f"{len(rows) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
