"""The proof of the whole: a company is imported and then changed at random, while every program is killed again and
again; at the end Learn Amp must equal HR, and every event is accounted for.

    tests/support/python.sh tests/fault/soak.py --employees 10000 --seconds 300 --kills 10 --seed 1

More that can go wrong at the same time:

    … --deaths 6 --freezes 3 --wipe 0.3        programs that die inside transactions, stand still, and lose their files
    … --apart                                  each lane in a process of its own
    … --rounds 3                               one producer and one consumer become three, and one again
    … --brokers 3 --broker-kills 3 --broker-freezes 2    a cluster of its own, whose brokers are killed and stand still
"""

import argparse
import random
import re
import shutil
import signal
import sys
import time
from collections import Counter

from rollcall import books, config
from rollcall.chaos.agenda import Agenda
from rollcall.process import BIN
from rollcall.topics import EVENT_TYPES
from rollcall.world import Kafka, World

INTEGRATIONS = ("north", "east", "south")
# What happens in a company in a while; "delete" and "vanish" are left to tests that wait for the second look.
CHANGES_PER_STEP = 5
SESSION_S = 6  # rollcall/config.py
# The points of tests/fault/death.c.
DEATHS = ("initialised", "begun", "produced", "offsets", "offsets-sent", "commit", "committing", "committed", "abort")


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--employees", type=int, default=600, help="of all three integrations together")
    parser.add_argument("--seconds", type=float, default=30, help="how long HR goes on changing")
    parser.add_argument("--kills", type=int, default=2, help="SIGKILLs of each program")
    parser.add_argument("--deaths", type=int, default=1, help="ends of each program inside one of its transactions")
    parser.add_argument("--freezes", type=int, default=1, help="how often each program stands still past its session")
    parser.add_argument("--wipe", type=float, default=0.25, help="the share of ends after which the program's files are gone")
    parser.add_argument("--apart", action="store_true", help="each lane in a process of its own")
    parser.add_argument("--rounds", type=int, default=0, help="from one process of each program to three and back")
    parser.add_argument("--brokers", type=int, default=0, help="a cluster of its own with so many")
    parser.add_argument("--broker-kills", type=int, default=0)
    parser.add_argument("--broker-down", type=float, default=12, help="seconds that a killed broker stays away at most")
    parser.add_argument("--broker-freezes", type=int, default=0)
    parser.add_argument("--rate", type=float, default=0, help="changes a second (default: 2 %% of the employees a minute, at least 20)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if (options.broker_kills or options.broker_freezes) and not options.brokers:
        parser.error("brokers are killed in a cluster of its own only: --brokers")
    return options


class Troubles:
    """Everything that befalls the programs and the brokers, at random moments. One thing at a time befalls each."""

    def __init__(self, world, options, chance):
        self.world = world
        self.options = options
        self.chance = chance
        self.agenda = Agenda()
        self.busy = set()  # names
        self.seen = Counter()  # (name, what)
        self.doomed = {}  # program: when it was given its death

    def plan(self, programs, cluster):
        options = self.options

        def times(number):
            return [self.chance.uniform(0.02, 0.95) * options.seconds for _ in range(number)]
        for program in programs:
            for what, number in ((self.kill, options.kills), (self.doom, options.deaths), (self.freeze, options.freezes)):
                for when in times(number):
                    self.agenda.at(when, self.when_free, program, what)
        for number in range(options.rounds):
            length = options.seconds / options.rounds
            self.agenda.at((number + self.chance.uniform(0.02, 0.1)) * length, self.grow, length * self.chance.uniform(0.4, 0.7))
        for what, number in ((self.kill_broker, options.broker_kills), (self.freeze_broker, options.broker_freezes)):
            for when in times(number):
                self.agenda.at(when, what, cluster)

    def note(self, name, what):
        self.seen[name, what] += 1

    def when_free(self, program, what):
        if program.name in self.busy:
            self.agenda.after(0.5, self.when_free, program, what)
        else:
            self.busy.add(program.name)
            what(program)

    # --- programs ---

    def kill(self, program):
        program.kill()
        self.note(program.name, "killed")
        self.start_later(program)

    def start_later(self, program, environment=None):
        if self.chance.random() < self.options.wipe:
            shutil.rmtree(self.world.folder / "state" / program.name.split("-", 1)[1], ignore_errors=True)
            self.note(program.name, "wiped")
        self.agenda.after(self.chance.uniform(0, 3), self.start, program, environment)

    def start(self, program, environment):
        program.start(environment)
        if environment:
            program.expected = False  # to run
            self.doomed[program] = environment["RC_DEATH"]
        else:
            self.busy.discard(program.name)

    def doom(self, program):
        """Killed, and its next life ends inside a transaction."""
        point = self.chance.choice(DEATHS)
        program.kill()
        self.start_later(program, {"LD_PRELOAD": str(BIN / "fault" / "death.so"),
                                   "RC_DEATH": f"{point}:{self.chance.randint(1, 1 if point in ('initialised', 'abort') else 6)}"})

    def find_dead(self):
        for program, death in list(self.doomed.items()):
            if program.alive:
                continue
            del self.doomed[program]
            assert program.process.returncode == -signal.SIGKILL, f"{program.name} {program.state()}: {program.tail(4)}"
            self.note(program.name, "died: " + death.split(":")[0])
            self.start_later(program)

    def freeze(self, program):
        program.pause()
        self.note(program.name, "frozen")
        self.agenda.after(SESSION_S + self.chance.uniform(-2, 4), self.thaw, program)

    def thaw(self, program):
        program.resume()
        self.busy.discard(program.name)

    def grow(self, seconds):
        for kind in ("producer", "consumer"):
            for number in (2, 3):
                program = getattr(self.world, kind)(f"{kind[0]}{number}-{len(self.world.programs)}").start()
                self.note(kind, "joined by another")
                self.agenda.after(seconds * self.chance.uniform(0.8, 1.2), self.shrink, program)

    def shrink(self, program):
        if self.chance.random() < 0.5:
            program.kill()
            return
        program.expected = False
        program.signal(signal.SIGTERM)
        self.agenda.after(0.2, self.ended, program, time.monotonic() + 40)

    def ended(self, program, deadline):
        if program.alive:
            assert time.monotonic() < deadline, f"{program.name} does not end: {program.tail()}"
            self.agenda.after(0.2, self.ended, program, deadline)
        else:
            assert program.process.returncode == 0, f"{program.name} {program.state()}: {program.tail()}"

    # --- brokers ---

    def kill_broker(self, cluster):
        if cluster.down:
            self.agenda.after(1, self.kill_broker, cluster)
            return
        node = self.chance.randint(1, self.options.brokers)
        cluster.kill(node)
        self.note(f"broker {node}", "killed")
        self.agenda.after(self.chance.uniform(0, self.options.broker_down), self.start_brokers, cluster)

    def start_brokers(self, cluster):
        cluster.begin_start()
        self.agenda.after(0.2, self.started_brokers, cluster)

    def started_brokers(self, cluster):
        if not cluster.has_started():
            self.agenda.after(0.2, self.started_brokers, cluster)

    def freeze_broker(self, cluster):
        if cluster.down:
            self.agenda.after(1, self.freeze_broker, cluster)
            return
        node = self.chance.randint(1, self.options.brokers)
        cluster.signal(node, signal.SIGSTOP)
        self.note(f"broker {node}", "frozen")
        self.agenda.after(self.chance.choice((1, 4, 9, 14)), self.thaw_broker, cluster, node)

    def thaw_broker(self, cluster, node):
        cluster.signal(node, signal.SIGCONT)

    # --- the end ---

    def work(self):
        self.agenda.work()
        self.find_dead()
        for program in self.world.programs:
            program.check()

    def finish(self):
        """Everything that is under way comes to its end. Who was given a death that did not come lives on without it."""
        deadline = time.monotonic() + 90 + self.options.broker_down
        while self.agenda.due or self.doomed:
            for program in list(self.doomed):
                if self.agenda.now > self.options.seconds + 5 and program.alive:
                    del self.doomed[program]
                    program.kill()
                    self.start_later(program)
            self.work()
            assert time.monotonic() < deadline, f"not finished: {self.agenda.due} {self.doomed}"
            time.sleep(0.02)


class Soak:
    def __init__(self, options):
        self.options = options
        self.random = random.Random(options.seed)
        self.rate = options.rate or max(20.0, options.employees * 0.02 / 60)
        self.changed = Counter()
        self.steps = 0
        self.faults = {}
        self.cluster = Kafka(brokers=options.brokers) if options.brokers else None

    def world(self):
        people = [self.options.employees // 3 + (1 if i < self.options.employees % 3 else 0) for i in range(3)]
        settings = {"consumer": {"retry_delays": ["1s", "2s", "4s"]},
                    "kafka": {"replication_factor": min(3, self.options.brokers or 1)}}
        return World("soak", {slug: {"people": count, "seed": self.options.seed * 10 + i,
                                     "kombo": {"poll_interval": "2s", "full_sync_interval": "15s", "page_size": 50 if count < 2000 else 250},
                                     "mapping": config.MANAGERS}
                              for i, (slug, count) in enumerate(zip(INTEGRATIONS, people))}, settings, partitions=6, cluster=self.cluster)

    def programs(self, world):
        alone = self.options.rounds > 0
        producers = [world.producer(name) for name in (["p1"] if alone else ["p1", "p2"])]
        if self.options.apart:
            return producers + [world.consumer(f"c-{event_type}", events=[event_type]) for event_type in EVENT_TYPES]
        return producers + [world.consumer(name) for name in (["c1"] if alone else ["c1", "c2"])]

    def change(self, world):
        """A few changes in one integration."""
        slug = self.random.choice(INTEGRATIONS)
        self.steps += 1
        self.changed.update(world[slug].change("random", seed=self.options.seed * 1000003 + self.steps,
                                               changes=CHANGES_PER_STEP)["counts"])

    def fault(self, world):
        """What goes on at services that are used over the internet."""
        faults = (("status", {"status": 503}), ("drop", {}), ("cut", {}), ("late", {"delay_ms": 700}), ("hang", {"delay_ms": 5000}),
                  ("status", {"status": 502}), ("throttle", {"retry_after_s": 1}), ("drop", {"effect": True}),
                  ("hang", {"delay_ms": 5000, "effect": True}))
        for number, (kind, more) in enumerate(faults):
            self.faults[world.sandbox.fault(kind, "learnamp", probability=0.005, seed=self.options.seed * 100 + number,
                                            match={"path": "/v1/*"}, **more)] = \
                f"Learn Amp: {kind} {more.get('status', '')}{'after its effect' if 'effect' in more else ''}"
        half_way = {"probability": 0.1, "match": {"path": "/hris/employees", "contains": "cursor="}}
        for number, (kind, more) in enumerate((("status", {"status": 502}), ("cut", {}), ("halved_list", {}), ("drop", {}),
                                               ("cut", half_way), ("cursor_expired", {"probability": 0.1}))):
            self.faults[world.sandbox.fault(kind, "kombo", seed=self.options.seed * 100 + 50 + number, **{"probability": 0.01, **more})] = \
                f"Kombo: {kind} {more.get('status', '')}{'half-way' if 'match' in more else ''}"

    def run(self, world):
        options, began = self.options, time.monotonic()
        programs = self.programs(world)
        world.watch()
        for program in programs:
            program.start()
        world.wait_equal(timeout=120 + options.employees / 20)
        world.wait_quiet(timeout=120)
        self.imported_s = time.monotonic() - began
        print(f"imported {options.employees} employees in {self.imported_s:.1f} s", flush=True)
        imported = books.counts(world.topics)

        self.fault(world)
        self.troubles = Troubles(world, options, self.random)
        self.troubles.plan(programs, self.cluster)
        agenda = self.troubles.agenda
        while agenda.now < options.seconds:
            self.troubles.work()
            if self.steps * CHANGES_PER_STEP < agenda.now * self.rate:
                self.change(world)
            else:
                time.sleep(0.01)
        self.troubles.finish()
        self.faults = [(name, world.sandbox.hits(number)) for number, name in self.faults.items()]
        world.sandbox.clear()
        world.read_anew()
        print(f"changed for {options.seconds:.0f} s; waiting until all of it has arrived", flush=True)
        began = time.monotonic()
        world.settle(timeout=150 + options.employees / 50)
        self.settled_s = time.monotonic() - began
        return imported, books.counts(world.topics)


def stop(world):
    """Everybody ends when they are told to, and says so."""
    problems = []
    for program in world.programs:
        if not program.alive:
            continue
        code = program.stop()
        if code != 0 or "stopped" not in program.tail(1):
            problems.append(f"{program.name} ended with {code}: {program.tail(2)}")
    return problems


def table(title, rows):
    width = max(len(str(row[0])) for row in rows)
    print(f"\n{title}")
    for name, *values in rows:
        print(f"  {str(name):<{width}}  " + "  ".join(f"{value:>9}" for value in values))


def said(world):
    """Warnings and errors, without what differs from one to the next."""
    found = Counter()
    for program in world.programs:
        for line in program.log.read_text(errors="replace").splitlines():
            match = re.match(r"\S+ (WARN|ERROR) +(.*?)(?: \w+=|$)", line)
            if match:
                error = re.search(r"\b(error|type|reason)=(\w+)", line)
                found[f"{program.command[0].split('-')[-1]}: {match[1]} {match[2]}{' (' + error[2] + ')' if error else ''}"] += 1
    return found


def report(soak, world, imported, total):
    print()
    table("What happened in HR", sorted(soak.changed.items()) + [("all", sum(soak.changed.values()))])
    table("Faults", soak.faults)
    table("What befell the programs", sorted((f"{name} {what}", number) for (name, what), number in soak.troubles.seen.items())
          or [("nothing", 0)])
    table("Events               import   changes       all",
          [(kind, imported[kind], total[kind] - imported[kind], total[kind]) for kind in EVENT_TYPES]
          + [("all", sum(imported.values()), sum(total.values()) - sum(imported.values()), sum(total.values()))])
    outcomes = Counter(row["outcome"] for row in world.topics.ledger(world.application).values())
    table("Ledger: newest outcome of each employee and type", sorted(outcomes.items()))
    parked = Counter((topic.split(".", 1)[1], record.headers.get("rollcall_reason")) for topic, records in world.topics.records.items()
                     if ".retry." in topic or topic.endswith(".dlq") for record in records)
    table("Parked", [(f"{tier} {reason}", number) for (tier, reason), number in sorted(parked.items())] or [("nothing", 0)])
    table("Warnings and errors that were logged", sorted(said(world).items()) or [("none", 0)])
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
        found = world.read_books()
        found["every program ends when it is told to"] = stop(world)
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
