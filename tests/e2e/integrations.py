"""Many customers in one deployment: what is wrong with one of them delays no other, and puts nothing into the dead letters."""

import time

from rollcall import books
from rollcall.suite import equal, fail, run, test
from rollcall.waiting import wait_for
from rollcall.world import World

PEOPLE = 12
# What a fault may cost the others: machines that run tests are busy, and what is proved is that nobody waits for a time-out.
FACTOR, GRACE_S = 3, 5
HEALTHY = ("one", "two", "three", "four")
SICK = ("mute", "deaf", "slow", "locked")  # Learn Amp hangs, Kombo hangs, 429, 403


def make():
    return World("many", {slug: {"people": PEOPLE, "seed": 60 + i} for i, slug in enumerate(HEALTHY + SICK)})


worlds = {}
took = {}


def timed(what, world, slugs):
    began = time.monotonic()
    world.wait_equal(*slugs, timeout=90)
    took[what] = time.monotonic() - began


def work(world, slugs, name):
    """Imports those, and lets them follow changes; how long both take is in `took`."""
    world.start()
    timed(f"{name}: import", world, slugs)
    for number, slug in enumerate(slugs):
        world[slug].change("random", seed=7 + number, changes=15)
    world.wait_polled(*slugs)
    timed(f"{name}: changes", world, slugs)


def total(name):
    return sum(seconds for what, seconds in took.items() if what.startswith(name))


@test
def eight_integrations_are_imported_and_followed_without_faults():
    with make() as world:
        began = time.monotonic()
        work(world, HEALTHY + SICK, "calm")
        world.wait_quiet()
        took["calm, whole"] = time.monotonic() - began
        world.check_books()


@test
def I9_what_is_wrong_with_one_delays_no_other():
    world = worlds["sick"] = make()
    world.sandbox.fault("hang", "learnamp", world["mute"], next=-1)
    world.sandbox.fault("hang", "kombo", world["deaf"], next=-1)
    # Every other request.
    world.sandbox.fault("throttle", "learnamp", world["slow"], every=2, retry_after_s=2)
    world.sandbox.fault("status", "learnamp", world["locked"], next=-1, status=403, match={"path": "/v1/*"})
    began = time.monotonic()
    work(world, HEALTHY, "sick")
    took["sick, whole"] = time.monotonic() - began
    print("  " + ", ".join(f"{what} {seconds:.1f} s" for what, seconds in took.items()))
    assert took["sick, whole"] < FACTOR * took["calm, whole"] + GRACE_S, took
    for slug in ("mute", "deaf", "locked"):
        equal(world[slug].users(), [], f"users of {slug}, whose services do nothing")


@test
def I7_unavailable_throttling_and_misconfigured_services_put_nothing_into_the_dead_letters():
    world = worlds["sick"]
    for slug in ("mute", "slow", "locked"):
        wait_for(f"requests of {slug}", lambda slug=slug: bool(world[slug].requests()))
    wait_for("a throttled request", lambda: any(r["status"] == 429 for r in world["slow"].requests()))
    fail(books.dead_letters(world.topics.refresh(), world.application))


@test
def every_one_of_them_catches_up_when_the_fault_is_over():
    world = worlds["sick"]
    world.sandbox.clear()
    world.wait_polled(*world.integrations, timeout=60)
    world.wait_equal(timeout=60)
    world.wait_quiet()
    world.check_books()


@test
def I7_wrong_credentials_put_nothing_into_the_dead_letters():
    world = worlds["sick"]
    refused = world.sandbox.fault("status", "learnamp", world["one"], next=-1, status=401)
    world["one"].call("DELETE", "tokens")
    for number in range(8):
        world["one"].change("update", number, job_title="Behind the lock")
    world["two"].change("update", 0, job_title="Not behind it")
    world.wait_polled("one", "two")
    world.wait_equal("two")
    wait_for("the refusal", lambda: world.sandbox.hits(refused) > 0)
    assert books.equality(world["one"]), "nothing was refused"
    fail(books.dead_letters(world.topics.refresh(), world.application))
    world.sandbox.clear()
    world.wait_equal("one", timeout=60)
    world.wait_quiet()
    world.check_books()


@test
def each_integration_uses_its_own_credentials_only():
    world = worlds["sick"]
    for slug, integration in world.integrations.items():
        for side in ("kombo", "learnamp"):
            requests = integration.requests(side)
            assert requests, f"{slug} was never asked at {side}"
            # The sandbox knows each customer by their own secrets, and refuses any other.
            refused = [f"{r['method']} {r['target']} {r['status']} {r['answer'] if 'answer' in r else ''}" for r in requests
                       if r["status"] in (401, 403) and not r.get("fault")]
            # A token that was withdrawn is refused as well.
            fail(refused if slug != "one" else [], f"{slug} at {side}")
        secrets = {key: integration.description["learnamp"][key] for key in ("client_id", "client_secret")}
        tokens = [r for r in integration.requests("learnamp") if "/oauth/" in r["target"]]
        assert tokens, f"{slug} never asked for a token"
        for request in tokens:
            for name, secret in secrets.items():
                assert secret in (request.get("body") or ""), f"{slug}: a token with another {name}: {request}"
        others = {employee["id"] for other in world.integrations.values() if other is not integration for employee in other.employees()}
        equal({r.get("employee") for r in integration.requests("learnamp")} & others, set(), f"employees of others at {slug}")


@test
def both_programs_end_when_they_are_told_to():
    for program in worlds["sick"].programs:
        equal(program.stop(), 0, program.name)


try:
    run()
finally:
    for left in worlds.values():
        left.close()
