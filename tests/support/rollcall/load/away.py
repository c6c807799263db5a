"""Learn Amp is away while events arrive: nothing dead-lettered, memory under its cap, and everything applied afterwards at the permitted rate."""

import time
from datetime import datetime

import confluent_kafka

from rollcall import books
from rollcall.load import imported
from rollcall.load.watch import EVERY_S, MIB, Watch, highest
from rollcall.waiting import PATIENCE
from rollcall.world import World

CAP_MIB = 256  # design section 12
# How a service that is away shows it, one after the other.
AWAY = (("status", {"status": 503}), ("hang", {"delay_ms": 30000}), ("drop", {}), ("status", {"status": 502}))
TURN_S = 300
WINDOW_S = 10


def options(parser):
    parser.add_argument("--integrations", type=int, default=5)
    parser.add_argument("--people", type=int, default=110000, help="of all integrations together; a few of them are not employed")
    parser.add_argument("--events", type=int, default=100000, help="that arrive meanwhile")
    parser.add_argument("--seconds", type=float, default=3600, help="without Learn Amp")
    parser.add_argument("--requests-per-second", type=float, default=20, help="of each integration, afterwards")
    parser.add_argument("--retry-delays", default="30s,5m,1h")


class Outage:
    """All of Learn Amp, in turns of different kinds."""

    def __init__(self, world, turn_s):
        self.world, self.turn_s = world, turn_s
        self.turn, self.fault, self.hits = 0, None, {}

    def work(self, now):
        if self.fault is None or now > self.turn * self.turn_s:
            kind, more = AWAY[self.turn % len(AWAY)]
            next_one = self.world.sandbox.fault(kind, "learnamp", next=-1, **more)
            self.end()
            self.fault, self.words = next_one, f"{kind} {more.get('status', '')}".strip()
            self.turn += 1

    def end(self):
        if self.fault is not None:
            self.hits[self.words] = self.hits.get(self.words, 0) + self.world.sandbox.hits(self.fault)
            self.world.sandbox.clear(self.fault)
            self.fault = None


class Change:
    """New titles, one after the other for everybody who is employed, evenly over the time and over the integrations."""

    def __init__(self, world, chosen):
        self.world, self.chosen = world, chosen
        self.staff = {slug: [e["employee"] for e in integration.expected() if e["presence"] == "employed"]
                      for slug, integration in world.integrations.items()}
        self.made = dict.fromkeys(self.staff, 0)

    def work(self, now):
        wanted = int(min(1, now / self.chosen.seconds) * self.chosen.events / len(self.staff))
        for slug, staff in self.staff.items():
            numbers = range(self.made[slug], wanted)
            if numbers:
                self.world[slug].changes([{"op": "update", "employee": staff[n % len(staff)], "job_title": f"Post {n}"} for n in numbers])
                self.made[slug] = wanted


def gauges(name, metrics):
    def total(field):
        return sum(value for (found, _), value in metrics.items() if found == field)
    if name.startswith("producer"):
        return {"published": total("events_published_total")}
    held = [value for (found, _), value in metrics.items() if found == "waiting_records"]
    return {"finished": total("events_finished_total"), "parked": total("parked_total"), "dead": total("dead_letters_total"),
            "held": sum(held), "held_most": max(held, default=0), "lag": total("consumer_lag")}


def dead_letters(world):
    """Records that were ever written to the topic of dead letters."""
    reader = confluent_kafka.Consumer({"bootstrap.servers": world.kafka.address, "group.id": world.prefix + "ends"})
    name = f"{world.prefix}{world.application}.dlq"
    try:
        partitions = reader.list_topics(name, timeout=30).topics[name].partitions
        return sum(reader.get_watermark_offsets(confluent_kafka.TopicPartition(name, number), timeout=30)[1] for number in partitions)
    finally:
        reader.close()


class Afterwards:
    """What Learn Amp was asked from the moment it was back: the book, by integration, tokens aside. Times in seconds from that moment."""

    def __init__(self, integration, back_at, rate):
        self.rate = rate
        book = [r for r in integration.requests() if "/oauth/" not in r["target"]]
        times = {r["number"]: datetime.fromisoformat(r["at"]).timestamp() - back_at for r in book}
        self.asked = sorted(at for at in times.values() if at >= 0)
        self.written = sorted(times[r["number"]] for r in book if r["method"] != "GET" and r["effect"] == "done" and times[r["number"]] >= 0)

    def most_in_a_window(self):
        most = first = 0
        for last, at in enumerate(self.asked):
            while self.asked[first] <= at - WINDOW_S:
                first += 1
            most = max(most, last - first + 1)
        return most

    def bulk(self):
        """(begin, end) of all but the last hundredth of what was written: who failed in the outage's first moments waits in the last tier."""
        return self.written[0], self.written[int(len(self.written) * 0.99) - 1]

    def used(self):
        """The share of what was permitted in that time."""
        begin, end = self.bulk()
        return sum(begin <= at <= end for at in self.asked) / (self.rate * max(end - begin, 1))


def report(world, chosen, watch, published, back_s, afterwards):
    """Prints the figures (`published` events until it was back, after `back_s`); returns what is wrong with them."""
    producer, consumer = (program.name for program in watch.programs)
    during = [look for look in watch.looks if look["at_s"] <= back_s]
    problems = []
    print(f"\nevents published: {published:,.0f} in {back_s:.0f} s; "
          f"parked meanwhile: {during[-1][consumer]['parked']:,.0f}; held in memory at most {highest(watch.looks, consumer, 'held'):,.0f} records, "
          f"of one integration {highest(watch.looks, consumer, 'held_most'):,.0f}")
    print("\n| memory, MiB | own, at most | resident, at most | at the beginning | before it was back | at the end |\n|" + " --- |" * 6)
    for name in (producer, consumer):
        cells = [look[name]["own"] / MIB for look in (watch.looks[0], during[-1], watch.looks[-1])]
        print(f"| {name} | {highest(watch.looks, name, 'own') / MIB:.0f} | {highest(watch.looks, name, 'rss') / MIB:.0f} | "
              + " | ".join(f"{cell:.0f}" for cell in cells) + " |")
        if highest(watch.looks, name, "own") > CAP_MIB * MIB:
            problems.append(f"{name} took {highest(watch.looks, name, 'own') / MIB:.0f} MiB of its own, and {CAP_MIB} are its cap")
    permitted = chosen.requests_per_second * (WINDOW_S + 1)  # what a second permits may come at once after a rest
    print(f"\n| afterwards | requests | most in {WINDOW_S} s (permitted {permitted:.0f}) | 99 % written after | all | of the permitted rate |\n|" + " --- |" * 6)
    for slug, found in afterwards.items():
        most = found.most_in_a_window()
        begin, end = found.bulk()
        print(f"| {slug} | {len(found.asked):,} | {most} | {end:.0f} s (first after {begin:.0f} s) | {found.written[-1]:.0f} s | {100 * found.used():.0f} % |")
        if most > permitted:
            problems.append(f"{slug} was asked {most} times within {WINDOW_S} s")
    dead = dead_letters(world)
    print(f"\ndead letters: {dead}")
    if dead:
        problems.append(f"{dead} records in the topic of dead letters")
    return problems


def prepare(chosen):
    each = chosen.people // chosen.integrations
    integrations = {f"away{i}": {"people": each, "seed": chosen.seed * 100 + i, "learnamp": {"max_in_flight": 50},
                                 "kombo": {"poll_interval": "10s", "full_sync_interval": "24h", "page_size": 250},
                                 "sandbox": {"requests": {"keep": 0, "bodies": False}}} for i in range(chosen.integrations)}
    return World("away", integrations, imported.SETTINGS, partitions=12)


def run(chosen):
    """Returns what is wrong at the end."""
    with prepare(chosen) as world:
        began = time.monotonic()
        producer, consumer = imported.start(world, chosen.people)
        imported.limit(world, consumer, chosen.retry_delays.split(","), lambda slug: chosen.requests_per_second)
        imported.say(chosen.people, chosen.integrations, began)
        print(f"now Learn Amp is away for {chosen.seconds:.0f} s", flush=True)
        outage, change = Outage(world, min(TURN_S, chosen.seconds / len(AWAY))), Change(world, chosen)
        watch = Watch([producer, consumer], chosen.out, gauges)
        before = producer.metric("events_published_total")
        while watch.now < chosen.seconds or (published := producer.metric("events_published_total") - before) < sum(change.made.values()):
            watch.work()
            outage.work(watch.now)
            change.work(watch.now)
            time.sleep(1)
        outage.end()
        back_at, back_s = time.time(), watch.now
        print(f"Learn Amp is back after {back_s:.0f} s; requests while it was away: {outage.hits}", flush=True)
        needed = 3 * chosen.events / chosen.integrations / chosen.requests_per_second + 5400
        while consumer.metric("consumer_lag") > 0 or any(books.equality(world[slug]) for slug in world.integrations):
            watch.work()
            assert watch.now < back_s + needed * PATIENCE, f"not applied: {watch.looks[-1]}"
            time.sleep(EVERY_S / 5)
        watch.due = 0
        watch.work()
        afterwards = {slug: Afterwards(world[slug], back_at, chosen.requests_per_second) for slug in world.integrations}
        problems = report(world, chosen, watch, published, back_s, afterwards)
        return problems + [problem for integration in world.integrations.values() for problem in books.equality(integration)]
