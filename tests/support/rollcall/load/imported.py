"""The first import, as fast as the machine is, and the limits of production from then on."""

import time

from rollcall import books

# What does not fit into memory is parked: it comes back within seconds.
SETTINGS = {"kafka": {"session.timeout.ms": 45000, "heartbeat.interval.ms": 3000},
            "consumer": {"retry_delays": ["1s", "2s", "4s"], "transaction_interval": "500ms", "http_timeout": "20s"}}


def start(world, people):
    """Returns producer and consumer, when all that was published is carried out."""
    producer, consumer = world.start()
    world.wait_for("the import", lambda: [problem for integration in world.integrations.values() for problem in books.equality(integration)],
                   600 + people / 20, 5)
    world.wait_for("the lanes to finish", lambda: consumer.metric("consumer_lag") == 0, 600, 2)
    return producer, consumer


def limit(world, consumer, retry_delays, rates):
    """The consumer begins anew with requests_per_second of each integration (`rates`: a function of its slug); the books are empty."""
    consumer.stop()
    for slug, overrides in world.overrides.items():
        overrides["learnamp"] = {"requests_per_second": rates(slug), "max_in_flight": 8}
    world.write_config(consumer={"retry_delays": retry_delays})
    world.create_topics()
    for integration in world.integrations.values():
        integration.call("DELETE", "requests")
    consumer.start().wait_ready(timeout=120)


def say(people, integrations, began):
    print(f"{people:,} people in {integrations} integrations are imported after {time.monotonic() - began:.0f} s", flush=True)
