"""The programs under load, on a real Kafka, with the sandbox's stand-ins (docs/reliability.md, "Load", shows the figures).

    env $(deploy/kafka.sh env) tests/support/python.sh tests/bench/load.py many     # 100,000 people, 50 integrations, of which some fail
    env $(deploy/kafka.sh env) tests/support/python.sh tests/bench/load.py hour     # memory over an hour of changes
    env $(deploy/kafka.sh env) tests/support/python.sh tests/bench/load.py away     # an hour without Learn Amp, and what follows

Each takes --seconds and --people for a short form. Exit code 1: something is wrong at the end (not: something was slow)."""

import argparse
import sys
import time

from rollcall.load import away, hour, many

FORMS = {"many": many, "hour": hour, "away": away}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    forms = parser.add_subparsers(dest="form", required=True)
    for name, module in FORMS.items():
        form = forms.add_parser(name, help=module.__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
        form.add_argument("--seed", type=int, default=1)
        form.add_argument("--out", help="a file to which every look is added as a line of JSON")
        module.options(form)
    return parser.parse_args()


def main():
    chosen = parse()
    began = time.monotonic()
    problems = FORMS[chosen.form].run(chosen)
    for problem in problems:
        print(f"not ok {chosen.form}: {problem}")
    if not problems:
        print(f"ok {chosen.form}")
    print(f"{time.monotonic() - began:.0f} s in all")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
