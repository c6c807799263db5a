"""Whatever Kombo answers, nothing is concluded from what it did not say; and it goes on by itself when it can."""

import datetime

from rollcall import books
from rollcall.suite import equal, fail, run, test
from rollcall.waiting import wait_for
from rollcall.world import World

CODES = {
    "PLATFORM.RATE_LIMIT_EXCEEDED": "RETRYING",
    "PLATFORM.CONCURRENCY_LIMIT_EXCEEDED": "RETRYING",
    "PLATFORM.TASK_TIMED_OUT": "RETRYING",
    "PLATFORM.UNKNOWN_ERROR": "RETRYING",
    "REMOTE.SERVICE_UNAVAILABLE": "RETRYING",
    "REMOTE.RATE_LIMIT_EXCEEDED": "RETRYING",
    "REMOTE.UNKNOWN_HTTP_ERROR": "RETRYING",
    "INTEGRATION.AUTHENTICATION_INVALID": "NEEDS_CUSTOMER",
    "INTEGRATION.PERMISSION_MISSING": "NEEDS_CUSTOMER",
    "INTEGRATION.INACTIVE": "NEEDS_CUSTOMER",
    "INTEGRATION.SETUP_INCOMPLETE": "NEEDS_CUSTOMER",
    "INTEGRATION.SETUP_SYNC_PENDING": "NEEDS_CUSTOMER",
    "INTEGRATION.QA_FAILED": "NEEDS_CUSTOMER",
    "INTEGRATION.MODEL_NOT_AVAILABLE": "NEEDS_CUSTOMER",
    "INTEGRATION.MODEL_DISABLED": "NEEDS_CUSTOMER",
    "PLATFORM.AUTHENTICATION_INVALID": "MISCONFIGURED",
    "PLATFORM.INTEGRATION_NOT_FOUND": "MISCONFIGURED",
    "PLATFORM.IP_NOT_WHITELISTED": "MISCONFIGURED",
    "PLATFORM.INPUT_INVALID": "MISCONFIGURED",
}


def slug_of(code):
    return "e-" + code.split(".")[1].lower().replace("_", "-") + "-" + code[0].lower()


# Second pages that never come.
HALVES = [("status", {"status": 500}), ("cut", {}), ("drop", {}), ("garbage", {}), ("error_200", {"code": "PLATFORM.UNKNOWN_ERROR"}),
          ("status", {"status": 200, "body": {"status": "success", "data": {}}}), ("status", {"status": 200, "body": {"status": "success"}}),
          ("status", {"status": 200, "body": ""}), ("status", {"status": 204, "body": ""})]
# Pages that cannot be trusted.
DAMAGE = [("wrong_type", {"field": "work_email", "value": {"not": "a text"}}), ("wrong_type", {"field": "groups", "value": "none"}),
          ("huge_field", {"field": "job_title"}), ("nested", {"field": "first_name"})]

READ_ALL = {"kombo": {"full_sync_interval": "1s", "page_size": 3}}
world = World("kombo", {
    **{slug_of(code): {"people": 2, "seed": 300 + number} for number, code in enumerate(CODES)},
    "in-200": {"people": 4, "seed": 350},
    "pages": {"people": 10, "seed": 351, **READ_ALL},
    "once": {"people": 10, "seed": 352, **READ_ALL, "policy": {"absence_grace": "1h"}},
    "shapes": {"people": 6, "seed": 353, **READ_ALL},
    **{f"half-{number}": {"people": 7, "seed": 360 + number, **READ_ALL} for number in range(len(HALVES))},
    **{f"damage-{number}": {"people": 6, "seed": 380 + number, **READ_ALL} for number in range(len(DAMAGE))},
    "waits": {"people": 2, "seed": 354},
})


def state(integration):
    return (world.topics.refresh().states().get(integration.id) or {}).get("state")


def wait_state(integration, wanted):
    wait_for(f"{integration.slug} to be {wanted}", lambda: state(integration) == wanted, 30)


def events(integration):
    return [r for _, r in world.topics.refresh().events(integration.id)]


def fault(integration, kind, **more):
    return world.sandbox.fault(kind, "kombo", integration, **more)


def failed_polls(integrations, number):
    """Waits for so many polls of each that failed from now on."""
    def count():
        found = dict.fromkeys((i.id for i in integrations), 0)
        for (name, labels), value in world.programs[0].metrics().items():
            labels = dict(labels)
            if name == "polls_total" and labels["result"] != "ok" and labels["integration"] in found:
                found[labels["integration"]] += value
        return found
    before = count()
    world.wait_for(f"{number} failed polls", lambda: [f"{i}: {value}" for i, value in count().items() if value < before[i] + number], 60)


def wait_all(integrations, wanted):
    world.wait_for(f"all to be {wanted}", lambda: [f"{i.slug}: {state(i)}" for i in integrations if state(i) != wanted], 60)


@test
def all_are_imported():
    world.start()
    world.settle()


@test
def every_error_of_Kombo_leads_to_its_state_and_changes_nothing():
    before = {slug: len(events(integration)) for slug, integration in world.integrations.items()}
    announced = {i.id: world.topics.states()[i.id]["announced"] for i in world.integrations.values()}
    for code in CODES:
        fault(world[slug_of(code)], "kombo_error", code=code, next=-1)

    def wrong():
        states = world.topics.refresh().states()
        return [f"{code}: {states[world[slug_of(code)].id]['state']}" for code, wanted in CODES.items()
                if states[world[slug_of(code)].id]["state"] != wanted or not states[world[slug_of(code)].id]["reason"]]
    world.wait_for("every state", wrong, 30)
    producer = world.programs[0]
    for code, wanted in CODES.items():
        integration = world[slug_of(code)]
        equal(producer.metric("integration_state", integration=integration.id, state=wanted), 1.0, f"the metric of {code}")
        equal(world.topics.states()[integration.id]["announced"], announced[integration.id])
        equal(len(events(integration)), before[integration.slug], f"events of {code}")
    world.sandbox.clear()
    world.wait_for("every integration to be OK again", lambda: [
        f"{slug_of(code)}: {state(world[slug_of(code)])}" for code in CODES if state(world[slug_of(code)]) != "OK"], 60)


@test
def an_error_in_an_answer_of_200_is_an_error():
    integration = world["in-200"]
    number = fault(integration, "error_200", code="INTEGRATION.PERMISSION_MISSING", next=-1)
    wait_state(integration, "NEEDS_CUSTOMER")
    world.sandbox.clear(number)
    wait_state(integration, "OK")


@test
def Retry_After_is_honoured_as_seconds_and_as_a_date():
    integration = world["waits"]
    for form in ("seconds", "date"):
        wait_state(integration, "OK")
        number = fault(integration, "throttle", retry_after_s=4, retry_after_as=form)
        wait_for("the 429", lambda number=number: world.sandbox.hits(number))
        hit = next(r for r in integration.requests("kombo") if r.get("fault") == number)
        later = wait_for("the next request", lambda hit=hit: tuple(integration.requests("kombo", after=hit["number"])))
        waited = (datetime.datetime.fromisoformat(later[0]["at"]) - datetime.datetime.fromisoformat(hit["at"])).total_seconds()
        # A date has no fractions of a second.
        assert waited >= 2.9, f"{form}: asked again after {waited} s"


@test
def a_cursor_that_expires_half_way_starts_the_listing_again():
    integration = world["pages"]
    number = fault(integration, "cursor_expired", after=1)
    person = integration.employees()[7]["id"]
    integration.change("update", person, job_title="Behind the third page")
    wait_for("the expiry", lambda: world.sandbox.hits(number))
    world.wait_polled("pages", full=True)
    world.wait_equal("pages")
    fail(books.chain(world.topics.refresh(), integration.id))


@test
def I2_a_fetch_that_did_not_complete_makes_nobody_missing():
    halves = [world[f"half-{number}"] for number in range(len(HALVES))]
    before = [len(events(integration)) for integration in halves]
    for integration, (kind, more) in zip(halves, HALVES):
        # The first page comes, without the one who vanished; the second never does.
        fault(integration, kind, next=-1, match={"path": "/hris/employees", "contains": "cursor="}, **more)
    failed_polls(halves, 1)
    for integration in halves:
        integration.change("vanish", 1)
    failed_polls(halves, 2)
    for integration in halves:
        integration.change("appear", 1)
    world.sandbox.clear()
    wait_all(halves, "OK")
    equal([len(events(integration)) for integration in halves], before, "events")
    fail([record for record in world.topics.records["sync.pending"] if ":half-" in record.key], "pending changes")


@test
def I3_an_empty_or_halved_list_deactivates_nobody():
    integration = world["once"]
    before = len(events(integration))
    for kind in ("empty_list", "halved_list"):
        number = fault(integration, kind, match={"path": "/hris/employees"}, next=2)
        wait_for(kind, lambda number=number: world.sandbox.hits(number) == 2)
        world.wait_polled("once", full=True)
        world.wait_polled("once", full=True)
        equal(len(events(integration)), before, f"events after {kind}")
    seen = {tuple(r.value["reasons"]) for r in world.topics.records["sync.pending"] if r.value and r.key.startswith(integration.id)}
    equal(seen, {("ABSENT_ONCE",)}, "what was pending")
    wait_for("nobody to be pending", lambda: not [k for k in world.topics.refresh().pending() if k.startswith(integration.id)])
    equal([user["deactivations"] for user in integration.users() if user["deactivations"]], [])


@test
def a_value_of_a_wrong_type_or_size_fails_the_poll_and_nothing_else():
    damaged = [world[f"damage-{number}"] for number in range(len(DAMAGE))]
    before = [len(events(integration)) for integration in damaged]
    for integration, (kind, more) in zip(damaged, DAMAGE):
        fault(integration, kind, next=-1, **more)
    failed_polls(damaged, 2)
    states = world.topics.refresh().states()
    for integration, (kind, more) in zip(damaged, DAMAGE):
        reason = states[integration.id]["reason"]
        assert reason and len(reason) < 2000, f"{kind} {more}: {reason}"
    world.sandbox.clear()
    wait_all(damaged, "OK")
    equal([len(events(integration)) for integration in damaged], before, "events")


@test
def what_is_not_mapped_may_be_of_any_size_and_shape():
    integration = world["shapes"]
    for kind, field in (("huge_field", "remote_data"), ("nested", "remote_data"), ("wrong_type", "bank_accounts")):
        number = fault(integration, kind, field=field, match={"path": "/hris/employees"})
        wait_for(f"{kind} in {field}", lambda number=number: world.sandbox.hits(number))
        world.wait_polled("shapes", full=True)
        equal(state(integration), "OK", f"the state after {kind} in {field}")


@test
def all_of_it_left_no_trace():
    world.settle()
    world.check_books()
    fail([problem for i in world.integrations.values() for problem in books.order(world.topics, i)])
    producer = world.programs[0]
    memory_kb = int(next(line for line in open(f"/proc/{producer.process.pid}/status") if line.startswith("VmHWM")).split()[1])
    print(f"  the producer had {memory_kb // 1024} MiB at most")


with world:
    run(world)
