"""Whatever Learn Amp answers, or does not: what it refuses for good lies in the dead letters with its words, everything
else arrives in the end, once."""

import datetime

from rollcall import books, config
from rollcall.suite import equal, fail, run, test
from rollcall.waiting import wait_for
from rollcall.world import World

CUSTOM = {**config.MAPPING, "custom:Cost centre": "custom_fields.cost_center"}

world = World("learnamp", {
    "throttled": {"people": 12, "learnamp": {"max_in_flight": 1}},
    "unwell": {"people": 12},
    "late": {"people": 12},
    "lost": {"people": 12},
    "token": {"people": 8},
    "scopes": {"people": 8},
    "away": {"people": 30},
    "rejects": {"people": 8},
    "storm": {"people": 80},
    "taken": {"people": 8},
    "bosses": {"people": 8, "mapping": config.MANAGERS},
    "custom": {"people": 8, "mapping": CUSTOM},
})
throttled, unwell, late, lost, token, scopes, away, rejects, storm, taken, bosses, custom = world.integrations.values()


def fault(integration, kind, path="/v1/*", **more):
    match = {"path": path, **more.pop("match", {})}
    return world.sandbox.fault(kind, "learnamp", integration, match=match, **more)


def ids(integration):
    return [user["integrationExternalId"] for user in integration.users() if user["statusValue"] != "deactivated"]


def retitle(integration, title, people=None):
    people = people or ids(integration)
    integration.changes([{"op": "update", "employee": person, "job_title": f"{title} {number}"} for number, person in enumerate(people)])
    return people


def letters(integration=None):
    return [record for record in world.topics.refresh().records[f"{world.application}.dlq"]
            if not integration or record.key.startswith(integration.id + "/")]


def parked(integration):
    return [record for topic, records in world.topics.refresh().records.items() if ".retry." in topic
            for record in records if record.key.startswith(integration.id + "/")]


def arrive(*integrations, timeout=60):
    slugs = [integration.slug for integration in integrations]
    world.wait_polled(*slugs)
    world.wait_equal(*slugs, timeout=timeout)
    for integration in integrations:
        fail(books.duplicates(integration))


def moment(request):
    return datetime.datetime.fromisoformat(request["at"])


@test
def all_are_imported_although_answers_are_lost_and_late():
    custom.settings(learnamp={"custom_fields": ["Cost centre"]})
    # Created, but nobody was told: the next attempt must find them, not make them twice.
    cut = fault(lost, "cut", "/v1/users", every=2, match={"method": "POST"}, next=4)
    teams = fault(lost, "cut", "/v1/teams", match={"method": "POST"})
    delayed = fault(late, "late", "/v1/users", delay_ms=800, match={"method": "POST"}, next=4)
    slow = fault(late, "delay", "/v1/users", delay_ms=2700, match={"method": "POST"}, next=2)
    world.start()
    world.settle()
    for number in (cut, teams, delayed, slow):
        assert world.sandbox.hits(number), f"fault {number} hit nothing"
    world.check_books()


@test
def a_429_closes_the_gate_until_Retry_After():
    for form in ("seconds", "date"):
        before = len(parked(throttled))
        number = fault(throttled, "throttle", retry_after_s=3, retry_after_as=form)
        retitle(throttled, form)
        wait_for("the 429", lambda number=number: world.sandbox.hits(number))
        arrive(throttled)
        requests = throttled.requests()
        hit = next(r for r in requests if r.get("fault") == number)
        # With one slot nothing else was on its way.
        inside = [r for r in requests if r["number"] > hit["number"] and (moment(r) - moment(hit)).total_seconds() < 1.9]
        assert not inside, f"{form}: {len(inside)} requests while the gate was closed"
        equal(len(parked(throttled)), before, "parked because of a 429")


@test
def trouble_that_passes_leaves_no_trace():
    fault(unwell, "status", status=503, every=3, next=12)
    fault(unwell, "status", status=500, every=4, next=6)
    fault(unwell, "drop", every=5, next=3)
    retitle(unwell, "Well")
    arrive(unwell)
    equal(letters(unwell), [])


@test
def I4_a_write_that_takes_effect_late_is_mended_before_its_record_is_finished():
    people = ids(late)[:6]
    for kind, more in (("late", {"delay_ms": 1500}), ("delay", {"delay_ms": 2600}), ("hang", {"delay_ms": 2600}), ("late", {"delay_ms": 300})):
        number = fault(late, kind, match={"method": "PUT"}, next=3, **more)
        retitle(late, f"First {kind}", people)
        wait_for(f"{kind} to hit", lambda number=number: world.sandbox.hits(number) == 3)
        # What overtakes the late one must win.
        retitle(late, f"Second {kind}", people)
        arrive(late)
        world.wait_quiet()
        fail(books.equality(late), f"after {kind}")
    # What Learn Amp did in the end, in the order in which it did it.
    fail(books.order(world.topics, late))
    equal(letters(late), [])
    assert any(record.headers.get("rollcall_unanswered") == "true" for record in parked(late)), "nothing was marked unanswered"


@test
def a_token_that_ended_is_renewed_and_costs_nothing():
    before = len(parked(token))
    for round_number in range(3):
        token.call("DELETE", "tokens")
        retitle(token, f"Round {round_number}")
        arrive(token)
    token.settings(learnamp={"token_ttl_s": 2})
    token.call("DELETE", "tokens")
    for round_number in range(3, 5):
        retitle(token, f"Round {round_number}")
        arrive(token)
    equal((len(parked(token)), letters(token)), (before, []))


@test
def I7_a_Learn_Amp_that_is_away_refuses_us_or_is_set_up_wrongly_puts_nothing_into_the_dead_letters():
    consumer = world.programs[1]
    fault(away, "status", status=503, next=-1)
    fault(scopes, "status", status=403, next=-1, body={"error": "Forbidden"})
    fault(token, "status", "/oauth/*", status=401, next=-1, body={"error": "invalid_client"})
    token.call("DELETE", "tokens")
    custom.settings(learnamp={"custom_fields": []})
    fault(lost, "hang", next=-1, delay_ms=60000)
    fault(throttled, "throttle", next=-1, retry_after_s=1)
    troubled = (away, scopes, token, lost, throttled)
    for integration in troubled:
        retitle(integration, "After it all")
    custom.changes([{"op": "update", "employee": person, "custom_fields": {"cost_center": f"CC-{n}"}} for n, person in enumerate(ids(custom))])
    # Others go on meanwhile.
    retitle(unwell, "Meanwhile")
    arrive(unwell)
    for integration in (away, scopes, token, custom):
        wait_for(f"the breaker of {integration.slug} to open",
                 lambda i=integration: consumer.metric("breaker_state", integration=i.id) > 0, 40)
    equal([str(record) for record in letters()], [])
    world.sandbox.clear()
    custom.settings(learnamp={"custom_fields": ["Cost centre"]})
    world.wait_polled()
    arrive(*troubled, timeout=120)
    for person in ids(custom):
        wait_for("the custom field", lambda person=person: (custom.user(person)["customFields"] or {}).get("Cost centre", "").startswith("CC-"), 60)
    world.wait_quiet(120)
    equal([str(record) for record in letters()], [])
    fail(books.ledger(world.topics, world.application))


@test
def what_is_rejected_lies_in_the_dead_letters_with_the_service_s_words():
    person, *others = ids(rejects)
    fault(rejects, "status", next=-1, status=422, match={"contains": "Refused"},
          body={"error": "jobTitle is not allowed here", "fullErrors": {"jobTitle": ["is not allowed here"]}})
    rejects.change("update", person, job_title="Refused")
    retitle(rejects, "Fine", others)
    record, = wait_for("the dead letter", lambda: tuple(letters(rejects)))
    headers = record.headers
    equal((headers["rollcall_reason"], headers["rollcall_lane"], headers["rollcall_type"]), ("REJECTED", "profile-updated", "profile-updated"))
    assert "jobTitle is not allowed here" in headers["rollcall_message"], headers
    equal(headers["ce_subject"], person)
    event = next(r for _, r in world.topics.events(rejects.id, person) if r.headers["ce_id"] == headers["ce_id"])
    equal(record.raw, event.raw, "the event in the dead letter")
    equal(headers["rollcall_origin"], f"{world.prefix}employee.profile-updated/{event.partition}/{event.offset}")
    for other in others:
        wait_for("the others", lambda other=other: rejects.user(other)["jobTitle"].startswith("Fine"))
    equal(rejects.user(person)["jobTitle"] == "Refused", False)
    world.sandbox.clear()
    # The next change brings the person to what HR says.
    rejects.change("update", person, job_title="Allowed")
    arrive(rejects)
    equal(len(letters(rejects)), 1)


@test
def an_address_that_belongs_to_somebody_else_is_left_to_a_person():
    stranger = taken.add_user(email="stranger@taken.example", firstName="Some", lastName="Body", integrationExternalId="not-ours", status="confirmed")
    one, two, three = ids(taken)[:3]
    pair = [taken.employee(person)["work_email"] for person in (two, three)]
    taken.change("update", one, work_email="stranger@taken.example")
    # Two who swap, and no address where one of them may wait.
    taken.changes([{"op": "update", "employee": two, "work_email": pair[1]}, {"op": "update", "employee": three, "work_email": pair[0]}])
    wait_for("three dead letters", lambda: len(letters(taken)) == 3, 60)
    for record in letters(taken):
        equal(record.headers["rollcall_reason"], "IDENTITY_CONFLICT")
        assert int(record.headers["rollcall_attempt"]) >= 3, record.headers
    equal({record.headers["ce_subject"] for record in letters(taken)}, {one, two, three})
    equal(taken.user_by_email("stranger@taken.example")["id"], stranger["id"])
    equal(taken.user_by_email("stranger@taken.example")["firstName"], "Some")


@test
def a_manager_who_is_never_there_blocks_nobody():
    gone = bosses.change("hire", first_name="Gone", work_email="gone@bosses.example", employment_status="INACTIVE")["number"]
    report = bosses.change("hire", first_name="Report", work_email="report@bosses.example", manager=gone)["employee"]
    arrive(bosses)
    world.wait_quiet(60)
    world.topics.refresh()
    row = world.topics.ledger(world.application)[f"created:{bosses.id}/{report}"]
    equal(row["outcome"], "WITHOUT_MANAGER")
    equal(letters(bosses), [])
    equal({record.headers["rollcall_reason"] for record in parked(bosses) if record.key.endswith(report)}, {"MANAGER"})


@test
def a_storm_of_rejections_opens_the_breaker_and_does_not_fill_the_dead_letters():
    consumer = world.programs[1]
    people = ids(storm)
    fault(storm, "status", next=-1, status=422, body={"error": "no"}, match={"method": "PUT"})
    retitle(storm, "Stormy", people)
    wait_for("the breaker to open", lambda: consumer.metric("breaker_state", integration=storm.id) == 2, 30)
    world.wait_polled("storm")
    number = len(letters(storm))
    assert 15 <= number <= 30, f"{number} dead letters of {len(people)} rejections"
    world.sandbox.clear()
    # A start closes it; the rest arrives.
    equal(consumer.stop(), 0)
    consumer.start().wait_ready()
    dead = {record.headers["ce_subject"] for record in letters(storm)}
    rest = [person for person in people if person not in dead]
    assert len(rest) >= len(people) - 30
    wait_for("the rest", lambda: [person for person in rest if not storm.user(person)["jobTitle"].startswith("Stormy")], 60)
    equal(len(letters(storm)), number)


@test
def I6_all_who_are_not_dead_lettered_are_what_HR_says_they_are():
    world.wait_quiet(60)
    dead = {record.key for record in letters()}
    problems = []
    for integration in world.integrations.values():
        problems += [f"{integration.slug}: {problem}" for problem in books.equality(integration)
                     if f"{integration.id}/{problem.split()[0]}" not in dead and "stranger" not in problem and not problem.startswith("user ")]
    fail(problems)
    fail(books.chain(world.topics))
    for integration in world.integrations.values():
        fail(books.deactivations(world.topics, integration))


with world:
    run(world)
