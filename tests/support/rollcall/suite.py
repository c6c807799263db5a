"""Single tests: each prints one line that begins with "ok " or "not ok "; the last line counts them."""

import sys
import time
import traceback

TESTS = []
SHOWN = 2000  # characters of a value that is not what was expected


def test(function):
    """Registers a test; its `title`, else its name with blanks, is what is printed."""
    TESTS.append(function)
    return function


def fail(problems, what=""):
    """Fails when there are problems (a list of texts)."""
    if problems:
        shown = "\n    ".join(str(problem) for problem in problems[:12])
        more = f"\n    … and {len(problems) - 12} more" if len(problems) > 12 else ""
        raise AssertionError(f"{what + ': ' if what else ''}{len(problems)} found\n    {shown}{more}")


def show(value):
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]} … ({len(text):,} characters)"


def equal(actual, expected, what=""):
    if actual != expected:
        raise AssertionError(f"{what + ': ' if what else ''}{show(actual)}, and not {show(expected)}")


class Skip(Exception):
    pass


def run(world=None):
    """Runs the tests whose names contain one of the command line's words (all without any; the first always). Exits 1
    if any failed. What the programs of the world say is shown behind the first failure."""
    words = sys.argv[1:]
    passed = failed = 0
    failures = []
    for function in TESTS:
        name = getattr(function, "title", function.__name__.replace("_", " "))
        if words and function is not TESTS[0] and not any(word in name for word in words):
            continue
        started = time.monotonic()
        try:
            function()
        except Skip as why:
            print(f"skip {name}: {why}")
        except BaseException as error:  # noqa: B036 - a signal ends the run, but what is known is told
            failed += 1
            reason = str(error) or type(error).__name__
            print(f"not ok {name} ({time.monotonic() - started:.1f} s): {reason.splitlines()[0]}")
            print("  " + "".join(traceback.format_exception(error)).rstrip().replace("\n", "\n  "))
            failures.append(f"{name}: {reason}")
            if world and failed == 1:
                world.report()
            if isinstance(error, (KeyboardInterrupt, SystemExit)):
                break
        else:
            passed += 1
            print(f"ok {name} ({time.monotonic() - started:.1f} s)")
    # Once more, for those who see only the end.
    for failure in failures:
        print("  failed: " + failure.replace("\n", "\n  "))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
