"""The figures leave nothing out."""

import json
import tempfile
from pathlib import Path

from rollcall.chaos import figures
from rollcall.suite import equal, run, test

CPU = {"all": 2.0, "programs": 1.0, "harness": 0.5, "brokers": 0.5}
PAGE = ("# A page\n\n<!-- chaos: written by rollcall.chaos.figures -->\nold\n<!-- end of chaos -->\n\nbetween\n\n"
        "<!-- mutants: written by rollcall.chaos.figures -->\nold\n<!-- end of mutants -->\n\nbehind\n")
HUNTED = """ok mutants are built (3 s)
ok chaos finds UNCHAINED: run 1, by I1 chain of versions (12 s)
    personio:north/x: profile-updated 3 follows 1, and 2 was before it
not ok chaos finds UNHELD: 4 runs, nothing found (99 s)

mutant            caught by run at most  by
UNCHAINED                     1       1  I1 chain of versions
UNHELD                        -       4
1 passed, 1 failed
"""


def made(seed, **more):
    return {"seed": seed, "changes": 10, "events": 20, "types": {"created": 15, "deactivated": 5}, "requests": 30, "kills": 2, "lost": 0,
            "duplicates": 0, "reordered": 0, "wrong_deactivations": 0, "faults": {"SIGKILL": 2, "Kombo: 429": 3}, "problems": {}, "crash": None,
            "seconds": 12.0, "cpu": CPU, **more}


def rows(lines):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]


@test
def all_runs_are_added_up():
    found = dict(rows(figures.summary([made(1), made(2, changes=5)])))
    equal([found[name] for name in ("runs", "of them without a finding", "changes in HR", "writes at Learn Amp", "programs killed", "**lost**")],
          ["2", "2", "15", "60", "4", "**0**"])
    equal(found["events (created 30, deactivated 10)"], "40")


@test
def faults_are_counted_by_kind_with_their_ways():
    found = rows(figures.faults([made(1), made(2, faults={"Kombo: 500": 1})]))[2:]
    equal(found, [["Kombo (429 3, 500 1)", "4", "2"], ["SIGKILL", "2", "1"]])


@test
def a_failing_run_is_counted_and_named_also_when_it_has_no_figures():
    runs = [made(1), {"seed": 2, "problems": {"in the settle": ["waited 90 s"], "I6 Learn Amp equals HR: north": ["x", "y"]}, "crash": None,
                         "faults": {}, "kills": 1},
            {"seed": 3, "problems": {}, "crash": "Traceback\nOSError: full"}, made(4, lost=3, problems={"I5 ledger": ["x: no outcome"]})]
    lines = figures.chaos(runs)
    found = dict(rows(figures.summary(runs)))
    equal((found["runs"], found["of them without a finding"], found["**lost**"]), ("4", "1", "**5**"))
    for words in ("- seed 2: in the settle: waited 90 s", "- seed 3: the harness broke: OSError: full", "- seed 4: I5 ledger: x: no outcome"):
        assert words in lines, f"{words!r} is not in {lines}"


@test
def a_seed_that_is_missing_is_named_and_one_that_was_run_again_too():
    equal(figures.seeds_line([made(seed) for seed in (1, 2, 3, 5, 5)]), "Seeds 1 to 3, 5. **Not run: 4.** 1 runs are of a seed that had been run before.")


@test
def a_mutant_that_was_not_caught_says_so():
    equal([row[1:] for row in rows(figures.mutants(HUNTED))[2:]], [["I1 chain of versions", "1", "1"], ["**nothing**", "**not caught**", "4"]])


@test
def every_mutant_that_is_declared_has_its_meaning():
    declared = figures.meanings()
    assert len(declared) >= 8 and all(declared.values()), declared


@test
def the_page_keeps_all_but_what_stands_between_the_markers():
    folder = Path(tempfile.mkdtemp())
    try:
        page, runs, hunted = folder / "page.md", folder / "runs.jsonl", folder / "mutants.txt"
        page.write_text(PAGE)
        runs.write_text(json.dumps(made(1)) + "\n")
        hunted.write_text(HUNTED)
        equal(figures.main([str(runs), "--write", str(page)]), 0)
        equal(figures.main([str(runs), "--mutants", str(hunted), "--write", str(page)]), 1)
        text = page.read_text()
        assert "old" not in text and "UNCHAINED" in text and "| runs | 1 |" in text, text
        for kept in ("# A page\n", "\nbetween\n", "\nbehind\n"):
            assert kept in text, kept
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


run()
