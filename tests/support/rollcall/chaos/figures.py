"""The figures of docs/reliability.md, from what runs of chaos and mutants left. No run that was made is left out: one that failed has a row
of its own, and a seed of the range that is in no file is named.

    tests/fault/chaos --seed 1 --runs 1000 --slots 4 --out runs.jsonl
    tests/support/python.sh tests/fault/mutants.py --all | tee mutants.txt
    tests/support/python.sh -m rollcall.chaos.figures --mutants mutants.txt --write docs/reliability.md runs.jsonl …

Without --write it prints them. The exit code is 1 when a run or a mutant failed; the page says so then, too.
"""

import argparse
import json
import re
import statistics
import sys
from collections import Counter
from pathlib import Path

from rollcall import books
from rollcall.process import ROOT
from rollcall.topics import EVENT_TYPES

SUMS = ("changes", "events", "requests", "kills", "lost", "duplicates", "reordered", "wrong_deactivations")
SHOWN_FAILURES = 200  # characters of a problem


def read(lines):
    return [json.loads(line) for line in lines if line.strip()]


def failed(run):
    return bool(run.get("problems") or run.get("crash"))


def table(head, rows):
    """Markdown; every column but the first is of numbers."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    return lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]


def number(value):
    return f"{value:,.0f}"


def ranges(seeds):
    """"1 to 10, 12": of a set of numbers."""
    found, ordered = [], sorted(seeds)
    for seed in ordered:
        if found and seed == found[-1][1] + 1:
            found[-1][1] = seed
        else:
            found.append([seed, seed])
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in found)


def totals(runs):
    """({figure: sum}, {event type: number}). Of a run that did not reach its end the problems alone are known."""
    found, types = Counter(dict.fromkeys(SUMS, 0)), Counter()
    for run in runs:
        found.update({name: run[name] for name in SUMS if name in run})
        if "lost" not in run:
            found.update(books.figures(run.get("problems", {})))
        types.update(run.get("types", {}))
    return found, types


def summary(runs):
    sums, types = totals(runs)
    well = [run for run in runs if not failed(run)]
    seconds, cpu = [run["seconds"] for run in runs if "seconds" in run], [run["cpu"]["all"] for run in runs if "cpu" in run]
    by_type = ", ".join(f"{kind} {number(types[kind])}" for kind in EVENT_TYPES if types[kind])
    rows = [("runs", number(len(runs))), ("of them without a finding", number(len(well))),
            ("changes in HR", number(sums["changes"])), ("events" + (f" ({by_type})" if by_type else ""), number(sums["events"])),
            ("writes at Learn Amp", number(sums["requests"])), ("programs killed", number(sums["kills"])),
            ("faults, kills included", number(sum(sum(run.get("faults", {}).values()) for run in runs)))]
    rows += [(f"**{name.replace('_', ' ')}**", f"**{number(sums[name])}**") for name in ("lost", "duplicates", "reordered", "wrong_deactivations")]
    if seconds:
        rows.append(("seconds a run: median, longest", f"{statistics.median(seconds):.0f}, {max(seconds):.0f}"))
    if cpu:
        rows.append(("processor seconds a run, brokers and harness included: median, most", f"{statistics.median(cpu):.1f}, {max(cpu):.1f}"))
    return table(("", "all runs"), rows)


def faults(runs):
    times, having, ways = Counter(), Counter(), {}
    for run in runs:
        kinds = set()
        for name, count in run.get("faults", {}).items():
            kind, _, way = name.partition(": ")
            times[kind] += count
            kinds.add(kind)
            ways.setdefault(kind, Counter()).update({way: count} if way else {})
        having.update(kinds)
    rows = []
    for kind in sorted(times, key=str.casefold):
        detail = ", ".join(f"{way} {number(count)}" for way, count in sorted(ways[kind].items()))
        rows.append((kind + (f" ({detail})" if detail else ""), number(times[kind]), number(having[kind])))
    return table(("fault", "times", "in runs"), rows)


def failures(runs):
    """What went wrong, seed by seed."""
    lines = []
    for run in runs:
        if run.get("crash"):
            lines.append(f"- seed {run['seed']}: the harness broke: {run['crash'].strip().splitlines()[-1][:SHOWN_FAILURES]}")
        for name, problems in run.get("problems", {}).items():
            lines.append(f"- seed {run['seed']}: {name}: {str(problems[0]).splitlines()[0][:SHOWN_FAILURES]}")
    return lines


def seeds_line(runs):
    seeds = [run["seed"] for run in runs]
    # Fresh seeds are drawn anywhere; only a range that somebody asked for can have gaps.
    missing = set(range(min(seeds), max(seeds) + 1)) - set(seeds)
    again = sum(count - 1 for count in Counter(seeds).values())
    text = f"Seeds {ranges(set(seeds))}."
    if missing and len(missing) < len(set(seeds)):
        text += f" **Not run: {ranges(missing)}.**"
    if again:
        text += f" {again} runs are of a seed that had been run before."
    return text


def chaos(runs):
    """The lines between the markers `chaos`."""
    lines = [seeds_line(runs), "", *summary(runs), "", *faults(runs)]
    wrong = failures(runs)
    return lines + (["", "What went wrong:", "", *wrong] if wrong else [])


# --- mutants ----------------------------------------------------------------------------------------------------------

HUNT = re.compile(r"^(ok|not ok) chaos finds (\w+): (?:run (\d+), by (.*)|(\d+) runs, nothing found) \((\d+) s\)$")


def hunts(text):
    """[(mutant, run that caught it or None, by)] of what tests/fault/mutants.py printed."""
    found = {}
    for match in map(HUNT.match, text.splitlines()):
        if match:
            found[match[2]] = (match[2], int(match[3]) if match[3] and match[1] == "ok" else None, match[4] or "")
    return [found[name] for name in sorted(found)]


def limits(text):
    """{mutant: within so many runs} of the table at the end."""
    return {match[1]: int(match[2]) for match in re.finditer(r"^(\w+) +(?:\d+|-) +(\d+)(?: |$)", text, re.MULTILINE)}


def meanings(path=ROOT / "common/mutant.h"):
    """{mutant: what it breaks}, from the header that declares them."""
    declared = path.read_text() if path.exists() else ""
    return {name: " ".join(words.split()) for name, words in re.findall(r"^ +X\(([A-Z_]+), +\"((?:[^\"\\]|\\.)*)\"", declared, re.MULTILINE)}


def mutants(text):
    """The lines between the markers `mutants`."""
    within, words = limits(text), meanings()
    rows = [(f"`{name}`" + (f": {words[name]}" if name in words else ""), by or "**nothing**", run or "**not caught**", within.get(name, ""))
            for name, run, by in hunts(text)]
    return ["| rule that is broken | found by | in run | at most |", "| --- | --- | ---: | ---: |",
            *("| " + " | ".join(str(cell) for cell in row) + " |" for row in rows)]


# --- the page -----------------------------------------------------------------------------------------------------------

def put(page, name, lines):
    """The page with these lines between the two markers of that name."""
    begin, end = f"<!-- {name}: written by rollcall.chaos.figures -->", f"<!-- end of {name} -->"
    head, found, rest = page.partition(begin)
    _, ended, tail = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"the page has no markers {begin} … {end}")
    return "\n".join([head + begin, *lines, end]) + tail


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, nargs="*", help="files that chaos wrote with --out")
    parser.add_argument("--mutants", type=Path, help="what tests/fault/mutants.py printed")
    parser.add_argument("--write", type=Path, help="the page that gets them between its markers")
    options = parser.parse_args(arguments)
    runs = [run for path in options.runs for run in read(path.read_text().splitlines())]
    hunted = options.mutants.read_text() if options.mutants else ""
    parts = {**({"chaos": chaos(runs)} if runs else {}), **({"mutants": mutants(hunted)} if hunted else {})}
    if options.write:
        page = options.write.read_text()
        for name, lines in parts.items():
            page = put(page, name, lines)
        options.write.write_text(page)
    else:
        print("\n\n".join("\n".join(lines) for lines in parts.values()))
    wrong = sum(map(failed, runs)) + sum(run is None for _, run, _ in hunts(hunted))
    if wrong:
        print(f"{wrong} failed", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
