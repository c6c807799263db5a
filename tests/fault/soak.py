"""The proof of the whole: a company is imported and then changed at random, while every program is killed again and
again; at the end Learn Amp must equal HR, and every event is accounted for.

    tests/support/python.sh tests/fault/soak.py --employees 10000 --seconds 300 --kills 10 --seed 1
"""

import argparse
import random
import sys
import time
from collections import Counter

from rollcall import books, config
from rollcall.topics import EVENT_TYPES
from rollcall.world import World

INTEGRATIONS = ("north", "east", "south")
# What happens in a company in a while; "delete" and "vanish" are left to tests that wait for the second look.
CHANGES_PER_STEP = 5


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--employees", type=int, default=600, help="of all three integrations together")
    parser.add_argument("--seconds", type=float, default=30, help="how long HR goes on changing")
    parser.add_argument("--kills", type=int, default=2, help="SIGKILLs of each program")
    parser.add_argument("--rate", type=float, default=0, help="changes a second (default: 2 %% of the employees a minute, at least 20)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.rate = options.rate or max(20.0, options.employees * 0.02 / 60)
        self.changed = {}
        self.kills = {}
        self.steps = 0
        self.faults = {}

    def world(self):
        people = [self.options.employees // 3 + (1 if i < self.options.employees % 3 else 0) for i in range(3)]
        settings = {"consumer": {"retry_delays": ["1s", "2s", "4s"]}}
        return World("soak", {slug: {"people": count, "seed": self.options.seed * 10 + i,
                                     "kombo": {"poll_interval": "2s", "page_size": 250},
                                     "mapping": config.MANAGERS}
                              for i, (slug, count) in enumerate(zip(INTEGRATIONS, people))}, settings, partitions=6)

    def change(self, world):
        """A few changes in one integration."""
        slug = self.random.choice(INTEGRATIONS)
        self.steps += 1
        counts = world[slug].change("random", seed=self.options.seed * 1000003 + self.steps,
                                    changes=CHANGES_PER_STEP)["counts"]
        for kind, count in counts.items():
            self.changed[kind] = self.changed.get(kind, 0) + count

    def fault(self, world):
        """What goes on at services that are used over the internet."""
        faults = (("status", {"status": 503}), ("drop", {}), ("cut", {}), ("late", {"delay_ms": 700}), ("hang", {"delay_ms": 5000}),
                  ("status", {"status": 502}), ("throttle", {"retry_after_s": 1}))
        for number, (kind, more) in enumerate(faults):
            self.faults[world.sandbox.fault(kind, "learnamp", probability=0.005, seed=self.options.seed * 100 + number,
                                            match={"path": "/v1/*"}, **more)] = f"Learn Amp: {kind} {more.get('status', '')}"
        for number, (kind, more) in enumerate((("status", {"status": 502}), ("cut", {}), ("halved_list", {}), ("drop", {}))):
            self.faults[world.sandbox.fault(kind, "kombo", probability=0.01, seed=self.options.seed * 100 + 50 + number, **more)] = \
                f"Kombo: {kind} {more.get('status', '')}"

    def run(self, world):
        options, began = self.options, time.monotonic()
        programs = [world.producer("p1"), world.producer("p2"), world.consumer("c1"), world.consumer("c2")]
        for program in programs:
            program.start()
        world.wait_equal(timeout=120 + options.employees / 20)
        world.wait_quiet(timeout=120)
        self.imported_s = time.monotonic() - began
        print(f"imported {options.employees} employees in {self.imported_s:.1f} s", flush=True)
        imported = books.counts(world.topics)

        self.fault(world)
        began = time.monotonic()
        kills = sorted((self.random.uniform(0.02, 0.95) * options.seconds, program)
                       for program in range(len(programs)) for _ in range(options.kills))
        restarts = []
        while True:
            now = time.monotonic() - began
            if now >= options.seconds:
                break
            while kills and kills[0][0] <= now:
                program = programs[kills.pop(0)[1]]
                if program.alive:
                    program.kill()
                    self.kills[program.name] = self.kills.get(program.name, 0) + 1
                    restarts.append((now + self.random.uniform(0.0, 3.0), program))
                else:
                    kills.append((now + 1, programs.index(program)))
                    kills.sort()
            for at, program in list(restarts):
                if at <= now:
                    program.start()
                    restarts.remove((at, program))
            if self.steps * CHANGES_PER_STEP < now * self.rate:
                self.change(world)
            else:
                time.sleep(0.01)
        for _, program in restarts:
            program.start()
        # What was due while its program was down already.
        for _, number in kills:
            self.kill_and_restart(programs[number])
        self.faults = [(name, world.sandbox.hits(number)) for number, name in self.faults.items()]
        world.sandbox.clear()
        print(f"changed for {options.seconds:.0f} s; waiting until all of it has arrived", flush=True)
        began = time.monotonic()
        world.settle(timeout=150 + options.employees / 50)
        self.settled_s = time.monotonic() - began
        return imported, books.counts(world.topics)

    def kill_and_restart(self, program):
        program.wait_ready(60)
        program.kill()
        self.kills[program.name] = self.kills.get(program.name, 0) + 1
        program.start()


def table(title, rows):
    width = max(len(str(row[0])) for row in rows)
    print(f"\n{title}")
    for name, *values in rows:
        print(f"  {str(name):<{width}}  " + "  ".join(f"{value:>9}" for value in values))


def report(soak, world, imported, total):
    print()
    table("What happened in HR", sorted(soak.changed.items()) + [("all", sum(soak.changed.values()))])
    table("Faults", soak.faults)
    table("Killed", sorted(soak.kills.items()))
    table("Events               import   changes       all",
          [(kind, imported[kind], total[kind] - imported[kind], total[kind]) for kind in EVENT_TYPES]
          + [("all", sum(imported.values()), sum(total.values()) - sum(imported.values()), sum(total.values()))])
    outcomes = {}
    for row in world.topics.ledger(world.application).values():
        outcomes[row["outcome"]] = outcomes.get(row["outcome"], 0) + 1
    table("Ledger: newest outcome of each employee and type", sorted(outcomes.items()))
    parked = Counter((topic.split(".", 1)[1], record.headers.get("rollcall_reason")) for topic, records in world.topics.records.items()
                     if ".retry." in topic or topic.endswith(".dlq") for record in records)
    table("Parked", [(f"{tier} {reason}", number) for (tier, reason), number in sorted(parked.items())] or [("nothing", 0)])
    compared = [(slug, *(world[slug].compare()[key] for key in ("employed", "gone", "unclear", "users", "difference_count")))
                for slug in INTEGRATIONS]
    table("Learn Amp            employed       gone    unclear      users   different", compared)
    print(f"\nimported in {soak.imported_s:.1f} s, settled {soak.settled_s:.1f} s after the last change")


def main():
    soak = Soak(parse())
    failed = passed = 0
    with soak.world() as world:
        try:
            imported, total = soak.run(world)
        except AssertionError:
            print("not ok soak: Learn Amp equals HR at the end")
            raise
        report(soak, world, imported, total)
        print()
        found = books.all_of(world.topics, world.integrations.values(), world.application)
        for name, problems in found.items():
            if problems:
                failed += 1
                print(f"not ok soak: {name}: {len(problems)} wrong")
                for problem in problems[:10]:
                    print(f"    {problem}")
            else:
                passed += 1
                print(f"ok soak: {name}")
        if failed:
            world.report()
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
