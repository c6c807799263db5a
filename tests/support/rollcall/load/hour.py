"""Memory flat over an hour of changes: everything that happens every day happens all the time, and nothing is restarted."""

import random
import time
from collections import Counter

from rollcall import books, config
from rollcall.load.watch import Watch, show_over_time
from rollcall.world import World

STEP = 5  # changes at once in one integration
# Nobody is hired: more people are more memory, and rightly so. Who leaves comes back.
KINDS = ["title", "last_name", "email", "move", "location", "manager", "custom", "rename_group"]
PAGE_S = 30  # somebody looks at the page, and Kombo sends a webhook
LEAVERS_S = 20
FAULTS = (("learnamp", "status", {"status": 503}), ("learnamp", "status", {"status": 502}), ("learnamp", "drop", {}), ("learnamp", "drop", {"effect": True}),
          ("learnamp", "hang", {"delay_ms": 6000}), ("learnamp", "throttle", {"retry_after_s": 1}), ("learnamp", "late", {"delay_ms": 700}),
          ("kombo", "status", {"status": 502}), ("kombo", "cut", {}), ("kombo", "drop", {}), ("kombo", "cursor_expired", {}))
FAULTY = 0.005  # of the requests, for each kind


def options(parser):
    parser.add_argument("--integrations", type=int, default=5)
    parser.add_argument("--people", type=int, default=5000, help="of all integrations together")
    parser.add_argument("--rate", type=float, default=8, help="changes a second")
    parser.add_argument("--seconds", type=float, default=3600)


class Hour:
    def __init__(self, world, chosen):
        self.world, self.chosen = world, chosen
        self.chance = random.Random(chosen.seed)
        self.slugs = list(world.integrations)
        self.steps = 0
        self.changed = Counter()
        self.gone = {slug: [] for slug in self.slugs}
        self.leavers_due, self.page_due = LEAVERS_S, PAGE_S

    def change(self):
        self.steps += 1
        slug = self.slugs[self.steps % len(self.slugs)]
        self.changed.update(self.world[slug].change("random", seed=self.chosen.seed * 1000003 + self.steps, changes=STEP, only=KINDS)["counts"])

    def leave_and_return(self):
        """Two leave, and those who left two turns ago return: the company stays as large as it is."""
        slug = self.chance.choice(self.slugs)
        staff = self.world[slug].call("GET", "employees", offset=self.chance.randrange(self.chosen.people // len(self.slugs) // 2,
                                                                                     self.chosen.people // len(self.slugs) - 20), limit=20)["employees"]
        leaving = [e["id"] for e in staff if e["employment_status"] == "ACTIVE" and e["work_email"] and not e["remote_deleted_at"]][:2]
        gone = self.gone[slug]
        gone.append(leaving)
        operations = [{"op": "leave", "employee": e} for e in leaving]
        if len(gone) > 2:
            operations += [{"op": "rehire", "employee": e} for e in gone.pop(0)]
        self.world[slug].changes(operations)
        self.changed.update(operation["op"] for operation in operations)

    def look_at_the_page(self, producer):
        """Lists are made while somebody looks; what they take must come back."""
        about = self.world[self.chance.choice(self.slugs)].id
        for path in ("/", "/api/integrations", f"/api/waiting?integration={about}", f"/api/activity?integration={about}", f"/api/dead-letters?integration={about}"):
            producer.get(path, timeout=30)

    def send_webhook(self, producer):
        url = f"http://{producer.address()}/webhooks/kombo"
        self.world[self.chance.choice(self.slugs)].call("POST", "webhook", {"url": url, "models": ["hris_employees"]})

    def run(self, producer, watch):
        while watch.now < self.chosen.seconds:
            watch.work()
            if self.steps * STEP < watch.now * self.chosen.rate:
                self.change()
            elif watch.now > self.leavers_due:
                self.leavers_due += LEAVERS_S
                self.leave_and_return()
            elif watch.now > self.page_due:
                self.page_due += PAGE_S
                self.look_at_the_page(producer)
                self.send_webhook(producer)
            else:
                time.sleep(0.1)
        watch.work()


def gauges(name, metrics):
    wanted = ("events_published_total", "polls_total") if name.startswith("producer") else ("events_finished_total", "parked_total", "waiting_records", "dead_letters_total")
    return {field: sum(value for (found, _), value in metrics.items() if found == field) for field in wanted}


def run(chosen):
    """Returns what is wrong at the end."""
    each = chosen.people // chosen.integrations
    integrations = {f"hour{i}": {"people": each, "seed": chosen.seed * 100 + i, "mapping": config.MANAGERS,
                                 "kombo": {"poll_interval": "10s", "full_sync_interval": "10m", "page_size": 250},
                                 "sandbox": {"requests": {"keep": 2000, "bodies": False}}} for i in range(chosen.integrations)}
    settings = {"kafka": {"session.timeout.ms": 45000, "heartbeat.interval.ms": 3000},
                "consumer": {"retry_delays": ["5s", "30s", "2m"], "transaction_interval": "500ms", "http_timeout": "5s", "dead_letter_budget": {"count": 1000}}}
    with World("hour", integrations, settings, partitions=12) as world:
        producer, consumer = world.start()
        world.wait_equal(timeout=300 + chosen.people / 10)
        world.wait_quiet(timeout=300)
        print(f"{chosen.people:,} people in {chosen.integrations} integrations are imported", flush=True)
        faults = {world.sandbox.fault(kind, side, probability=FAULTY, seed=chosen.seed * 100 + number, next=-1, **more): f"{side} {kind}"
                  for number, (side, kind, more) in enumerate(FAULTS)}
        hour, watch = Hour(world, chosen), Watch([producer, consumer], chosen.out, gauges)
        hour.run(producer, watch)
        hits = Counter()
        for number, words in faults.items():
            hits[words] += world.sandbox.hits(number)
        world.sandbox.clear()
        print(f"changed in HR: {sum(hour.changed.values()):,}: {dict(hour.changed)}\nfaults: {sum(hits.values()):,}: {dict(hits)}")
        print(f"at the last look: {watch.looks[-1]}")
        show_over_time(watch.looks, [producer.name, consumer.name])
        world.settle(timeout=600)
        return [problem for integration in world.integrations.values() for problem in books.equality(integration)]
