"""Midnight in the customer's time zone: what waits for a day happens on it, without a fetch."""

import datetime
import time

from rollcall import zones
from rollcall.suite import equal, run, test
from rollcall.waiting import PATIENCE, wait_for
from rollcall.world import World

UNTIL_MIDNIGHT = int(15 * PATIENCE)
world = World("schedule", {"acme": {"people": 8, "timezone": "Test/Soon", "kombo": {"poll_interval": "1h"}, "policy": {"create": "0d"}}})
acme = world["acme"]


@test
def at_midnight_the_last_day_ends_and_the_first_begins():
    # The customer's clock shows a quarter of a minute before midnight.
    now = int(time.time())
    offset = zones.until_midnight(now, UNTIL_MIDNIGHT)
    folder = zones.folder(world.folder)
    zones.write(folder, {"Test/Soon": [(offset,)]})
    today = datetime.datetime.fromtimestamp(now + offset, datetime.timezone.utc).date()
    tomorrow = today + datetime.timedelta(days=1)

    leaver = next(e["id"] for e in acme.employees() if e["employment_status"] == "ACTIVE")
    acme.change("update", leaver, termination_date=str(today))
    joiner = acme.change("hire", employment_status="PENDING", start_date=str(tomorrow))["employee"]
    producer = world.producer(environment={"TZDIR": folder}).start().wait_ready()
    consumer = world.consumer(environment={"TZDIR": folder}).start().wait_ready()
    wait_for("the leaver to be there still", lambda: (acme.user(leaver) or {}).get("statusValue", "deactivated") != "deactivated", UNTIL_MIDNIGHT / PATIENCE - 4)
    assert time.time() < now + UNTIL_MIDNIGHT - 1, "the import took too long for this test"
    world.topics.refresh()
    equal([t for _, t, _ in world.topics.story(leaver)], ["created"])
    equal(world.topics.pending()[f"{acme.id}/{joiner}"]["reasons"], ["NOT_YET"])
    asked = acme.last_request("kombo")

    wait_for("midnight to end the one and begin the other",
             lambda: (acme.user(leaver) or {}).get("statusValue") == "deactivated" and acme.user(joiner), UNTIL_MIDNIGHT / PATIENCE + 15)
    assert time.time() >= now + UNTIL_MIDNIGHT - 1, "it was not midnight yet"
    world.topics.refresh()
    (_, kind, gone), (_, other, created) = world.topics.story(leaver)[-1], world.topics.story(joiner)[-1]
    equal((kind, gone["reason"], gone["effective_date"], gone["metadata"]["trigger"]), ("deactivated", "TERMINATION_DATE", today, "SCHEDULE"))
    equal((other, created["reason"], created["metadata"]["trigger"]), ("created", "NEW_HIRE", "SCHEDULE"))
    equal(acme.last_request("kombo"), asked, "requests to Kombo")
    world.wait_quiet()
    world.check_books(dates={"acme": str(tomorrow)})
    equal((producer.stop(), consumer.stop()), (0, 0))


with world:
    run(world)
