"""Many integrations, of which one fails, one is throttled and one is flooded: the delay of all others, from HR to Learn Amp, must not change."""

import json
import random
import time
from bisect import bisect_left
from datetime import datetime
from statistics import quantiles

from rollcall import books
from rollcall.load import imported
from rollcall.load.watch import cpu_s
from rollcall.world import World

LATENCY_MS = 50
MARK = "Delay "
# What befalls whom; all others are the healthy ones. Learn Amp's faults hit all requests, Kombo's one in three.
TROUBLED = {
    "failing": [("learnamp", "status", {"status": 503}), ("kombo", "status", {"status": 502, "probability": 0.33, "seed": 1})],
    "hanging": [("learnamp", "hang", {"delay_ms": 30000}), ("kombo", "hang", {"delay_ms": 30000, "probability": 0.33, "seed": 2})],
    "refusing": [("learnamp", "status", {"status": 401}), ("kombo", "kombo_error", {"code": "PLATFORM.RATE_LIMIT_EXCEEDED", "probability": 0.33, "seed": 3})],
    "throttled": [("learnamp", "throttle", {"retry_after_s": 2, "every": 5})],
    "flooding": [],
}
# requests_per_second: of the others as in production, by default.
RATES = {"throttled": 2, "flooding": 0}


def options(parser):
    parser.add_argument("--integrations", type=int, default=50, help="five of them troubled")
    parser.add_argument("--people", type=int, default=100000)
    parser.add_argument("--seconds", type=float, default=120, help="of each phase")
    parser.add_argument("--rate", type=float, default=75, help="changes a second, in all integrations together")
    parser.add_argument("--flood", type=int, default=10000, help="changes at once")
    parser.add_argument("--poll-interval", default="5s")
    parser.add_argument("--phases", default="well,troubled,well", help="in this order")


def instant(text):
    return datetime.fromisoformat(text).timestamp()


class Company:
    """One integration: changes people, each once, and finds when the change reached Learn Amp."""

    def __init__(self, integration, seed):
        self.integration = integration
        # Nobody's manager, so that a change is one request.
        self.staff = [e["employee"] for e in integration.expected() if e["presence"] == "employed"]
        random.Random(seed).shuffle(self.staff)
        self.changed = {}  # employee: (moment, mark)
        self.next = 0

    def begin(self):
        self.changed = {}
        self.after = self.integration.last_request()

    def change(self, count):
        names = [self.staff[(self.next + i) % len(self.staff)] for i in range(count)]
        self.next += count
        moment = time.time()
        marks = {name: f"{MARK}{self.next}-{i}" for i, name in enumerate(names)}
        self.integration.changes([{"op": "update", "employee": name, "job_title": mark} for name, mark in marks.items()])
        self.changed.update((name, (moment, mark)) for name, mark in marks.items())

    def delays(self):
        """(seconds of all that arrived, number that did not)"""
        found = {}
        for request in self.integration.requests(after=self.after):
            name = request.get("employee")
            if name in self.changed and name not in found and request["method"] != "GET" and request["effect"] == "done":
                moment, mark = self.changed[name]
                if mark in request.get("body", "").replace("+", " ").replace("%20", " "):
                    found[name] = instant(request["at"]) - moment
        return sorted(found.values()), len(self.changed) - len(found)


def percentiles(values):
    """(median, 95th, 99th)"""
    cuts = quantiles(values, n=100, method="inclusive")
    return cuts[49], cuts[94], cuts[98]


class Phase:
    def __init__(self, world, companies, chosen, troubled):
        self.world, self.companies, self.chosen, self.troubled = world, companies, chosen, troubled
        self.healthy = [slug for slug in companies if slug not in TROUBLED]

    def run(self):
        for company in self.companies.values():
            company.begin()
        faults = [self.world.sandbox.fault(kind, side, self.world[slug], **{"next": -1, **more})
                  for slug, list_of in TROUBLED.items() for side, kind, more in list_of] if self.troubled else []
        before = [cpu_s(program) for program in self.world.programs]
        began, made, slugs, flooded = time.monotonic(), 0, list(self.companies), not self.troubled
        while (now := time.monotonic() - began) < self.chosen.seconds:
            if made < now * self.chosen.rate:
                self.companies[slugs[made % len(slugs)]].change(1)
                made += 1
            else:
                time.sleep(0.005)
            if not flooded and now > self.chosen.seconds / 4:
                flooded = True
                self.companies["flooding"].change(self.chosen.flood)
        self.cpu = [cpu_s(program) - used for program, used in zip(self.world.programs, before)]
        self.world.wait_for("the others' changes to arrive", self.missing, 120, 2)
        self.delays = {slug: self.companies[slug].delays()[0] for slug in self.healthy}
        self.others = {slug: company.delays() for slug, company in self.companies.items() if slug in TROUBLED}
        for fault in faults:
            self.world.sandbox.clear(fault)
        return self

    def missing(self):
        return [f"{slug}: {left}" for slug in self.healthy if (left := self.companies[slug].delays()[1])]

    def all(self):
        return sorted(value for delays in self.delays.values() for value in delays)

    def share_within(self, limit):
        values = self.all()
        return bisect_left(values, limit) / len(values)


def show(phases):
    print("\n| phase | changes of the healthy | median, s | 95 % | 99 % | slowest | medians of the single integrations | 99 % of the single ones | CPU: producer, consumer |")
    print("|" + " --- |" * 9)
    for name, phase in phases:
        values = phase.all()
        singles = [percentiles(delays) for delays in phase.delays.values()]
        spans = [f"{min(s[i] for s in singles):.2f} to {max(s[i] for s in singles):.2f}" for i in (0, 2)]
        print(f"| {name} | {len(values):,} | " + " | ".join(f"{value:.2f}" for value in percentiles(values)) + f" | {values[-1]:.2f} | {spans[0]} | {spans[1]} | "
              + ", ".join(f"{100 * used / phase.chosen.seconds:.0f} %" for used in phase.cpu) + " |")
    well = [percentiles(phase.all()) for _, phase in phases if not phase.troubled]
    troubled = [percentiles(phase.all()) for _, phase in phases if phase.troubled]
    if not well or not troubled:
        return
    print("\n| | median | 95 % | 99 % |\n| --- | --- | --- | --- |")

    def mean(rows, i):
        return sum(row[i] for row in rows) / len(rows)
    print("| with troubles, against the mean of the phases without | " + " | ".join(f"{mean(troubled, i) / mean(well, i):.2f}" for i in range(3)) + " |")
    print("| the phases without, the slowest against the quickest | " + " | ".join(f"{max(w[i] for w in well) / min(w[i] for w in well):.2f}" for i in range(3)) + " |")
    for name, phase in phases:
        if phase.troubled:
            told = [f"{slug} {len(arrived):,} of {len(arrived) + missing:,}" for slug, (arrived, missing) in phase.others.items()]
            print(f"\nmeanwhile arrived of the troubled: {', '.join(told)}")


def prepare(chosen):
    usual = (chosen.people - chosen.flood - chosen.flood // 10) // (chosen.integrations - 1)
    slugs = [*TROUBLED, *(f"well{i:02}" for i in range(chosen.integrations - len(TROUBLED)))]
    people = {slug: chosen.flood + chosen.flood // 10 if slug == "flooding" else usual for slug in slugs}
    integrations = {slug: {"people": people[slug], "seed": chosen.seed * 100 + i, "learnamp": {"max_in_flight": 50},
                           "kombo": {"poll_interval": chosen.poll_interval, "full_sync_interval": "24h", "page_size": 250},
                           "sandbox": {"requests": {"keep": 0, "bodies": True}}} for i, slug in enumerate(slugs)}
    return World("many", integrations, imported.SETTINGS, partitions=12)


def run(chosen):
    """Returns what is wrong at the end: changes that did not arrive. How long they took is told, and not judged."""
    with prepare(chosen) as world:
        began = time.monotonic()
        producer, consumer = imported.start(world, chosen.people)
        imported.limit(world, consumer, ["30s", "5m", "1h"], lambda slug: RATES.get(slug, 10))
        for integration in world.integrations.values():
            integration.settings(learnamp={"latency_ms": LATENCY_MS})
        imported.say(chosen.people, chosen.integrations, began)
        companies = {slug: Company(integration, chosen.seed) for slug, integration in world.integrations.items()}
        phases = []
        for name in chosen.phases.split(","):
            phase = Phase(world, companies, chosen, name == "troubled").run()
            phases.append((name, phase))
            print(f"{name}: median, 95 %, 99 %: " + ", ".join(f"{value:.2f} s" for value in percentiles(phase.all())), flush=True)
            if chosen.out:
                with open(chosen.out, "a", encoding="utf-8") as out:
                    print(json.dumps({"phase": name, "delays": phase.delays, "cpu_s": phase.cpu}), file=out)
            world.wait_for("the flood to be over", lambda: companies["flooding"].delays()[1] == 0, 600, 2)
        show(phases)
        world.wait_for("Learn Amp to equal HR where all was well", lambda: [problem for slug in phases[0][1].healthy for problem in books.equality(world[slug])], 300, 5)
        dead = consumer.metric("dead_letters_total")
        return [f"{producer.name}, {consumer.name}: {dead:.0f} dead letters"] if dead else []
