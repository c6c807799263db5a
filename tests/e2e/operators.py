"""What an operator asks at night: where somebody's change is (`trace`), what was dead-lettered (`dlq`), and trying it once more."""

import json

import confluent_kafka

from rollcall.suite import equal, run, test
from rollcall.world import World

world = World("operators", {"acme": {"people": 12, "policy": {"invite": "on_create"}}, "beta": {"people": 6, "policy": {"brakes": {"deactivations": {"count": 1, "percent": 0}}}}},
              {"consumer": {"retry_delays": ["1s", "5s"], "transaction_interval": "50ms"}})
acme = world["acme"]
case = {}


def words(done):
    return done.stdout + done.stderr


def consumer(*arguments, code=0):
    done = world.command("consumer", *arguments)
    equal(done.returncode, code, words(done))
    return done.stdout


def letters(*arguments):
    return json.loads(consumer("dlq", "list", "--json", *arguments))["dead_letters"]


def refuse(word):
    return world.sandbox.fault("status", "learnamp", acme, next=-1, status=422, match={"contains": word},
                               body={"error": "Validation failed", "fullErrors": {"jobTitle": ["is refused"]}})


def hire(**fields):
    return acme.change("hire", **fields)["employee"]


def creations(email):
    """What was sent to create that person."""
    return [json.loads(r["body"]) for r in acme.requests() if r["method"] == "POST" and r["target"].startswith("/v1/users") and email in r["body"]]


def send_raw(topic, key, value, headers):
    producer = confluent_kafka.Producer({"bootstrap.servers": world.kafka.address, "partitioner": "murmur2_random"})
    producer.produce(world.prefix + topic, value, key, headers=headers)
    assert producer.flush(20) == 0


def wait_for_letters(count, what="dead letters", *arguments):
    world.wait_for(what, lambda: [] if len(letters(*arguments)) == count else [str(letters(*arguments))])
    return letters(*arguments)


def place(letter):
    return f"{letter['partition']}:{letter['offset']}"


@test
def a_refused_joiner_is_listed_and_shown():
    world.start()
    world.settle()
    equal(letters(), [])
    case["fault"] = refuse("Wizard")
    case["employee"] = hire(first_name="Wanda", last_name="Widow", job_title="Wizard")
    letter, = wait_for_letters(1)
    for name, value in {"integration_id": acme.id, "employee_id": case["employee"], "type": "created", "reason": "REJECTED",
                        "topic": f"{world.prefix}{world.application}.dlq", "state": "open", "attempts": 1}.items():
        equal(letter[name], value, name)
    assert "jobTitle is refused" in letter["message"], letter
    assert letter["version"] > 0 and letter["first_failed_at"] <= letter["dead_lettered_at"], letter
    listed = consumer("dlq", "list")
    for word in ("Wanda Widow", case["employee"], place(letter), "jobTitle is refused", "dlq replay"):
        assert word in listed, f"{word} is not in {listed}"
    shown = consumer("dlq", "show", "--offset", place(letter))
    for word in ("Wizard", "employee.created", "rollcall_reason", "waits for a person", f"dlq replay --offset {place(letter)} --apply"):
        assert word in shown, f"{word} is not in {shown}"
    equal(letters("--integration", world["beta"].id), [])
    equal(letters("--reason", "POISON"), [])
    equal(len(letters("--integration", acme.id, "--employee", case["employee"], "--since", "1h")), 1)


def trace(employee, *arguments, integration=acme, code=0):
    return json.loads(consumer("trace", "--integration", integration.id, "--employee", employee, "--json", *arguments, code=code))


def told(story):
    return [(line["what"], line.get("type")) for line in story["story"]]


@test
def trace_says_why_she_is_not_there_and_what_to_type():
    story = trace(case["employee"])
    equal(told(story), [("published", "created"), ("dead-lettered", "created")])
    equal((story["integration_id"], story["employee_id"], story["verdict"]), (acme.id, case["employee"], "not in step"))
    letter, = letters()
    equal([story["story"][1][name] for name in ("topic", "partition", "offset")], [letter[name] for name in ("topic", "partition", "offset")])
    assert "jobTitle is refused" in story["because"][0], story
    assert f"dlq replay --integration {acme.id} --employee {case['employee']} --apply" in story["next"][0], story
    out = consumer("trace", "--integration", acme.id, "--employee", case["employee"])
    for word in ("Wanda Widow", "no such user", "Not in step because", "dlq replay"):
        assert word in out, f"{word} is not in {out}"


@test
def a_replay_is_a_dry_run_unless_it_is_applied():
    before = len(world.topics.refresh().records[f"{world.application}.retry.1s"])
    out = consumer("dlq", "replay")
    assert "Nothing was changed" in out and "--apply" in out, out
    equal(json.loads(consumer("dlq", "replay", "--json"))["replayed"], 0)
    equal(len(world.topics.refresh().records[f"{world.application}.retry.1s"]), before)


@test
def who_is_refused_again_is_dead_lettered_once_more_and_stands_there_once():
    first, = letters()
    equal(json.loads(consumer("dlq", "replay", "--apply", "--json"))["replayed"], 1)
    world.wait_for("the second dead letter", lambda: [] if [x for x in letters() if x["offset"] != first["offset"]] else ["none"])
    second, = letters()
    equal((second["state"], second["employee_id"]), ("open", case["employee"]))
    settled, = json.loads(consumer("dlq", "show", "--offset", place(first), "--json"))["dead_letters"]
    equal(settled["state"], "settled")


@test
def a_copy_that_waits_is_not_sent_again_and_the_event_is_done_as_it_would_have_been():
    world.sandbox.clear(case["fault"])
    for program in world.programs:
        if program.name.startswith("consumer"):
            program.stop()
    equal(json.loads(consumer("dlq", "replay", "--apply", "--json"))["replayed"], 1)
    equal(letters(), [], "it is being tried")
    equal(json.loads(consumer("dlq", "replay", "--apply", "--json"))["replayed"], 0, "typed again while the copy waits")
    copy = world.topics.refresh().records[f"{world.application}.retry.1s"][-1]
    send_raw(f"{world.application}.retry.1s", copy.key, copy.raw, list(copy.headers.items()))  # two operators at once
    email = acme.employee(case["employee"])["work_email"]
    before = len(creations(email))
    world.consumer("two").start().wait_ready()
    world.wait_equal("acme")
    world.wait_quiet()
    equal(len(creations(email)), before + 1, "the second copy does no harm")
    last = creations(email)[-1]
    equal(bool(last.get("skipInvitation")), False, "she is invited as the event would have")
    equal(letters(), [])
    equal(json.loads(consumer("dlq", "replay", "--apply", "--json"))["replayed"], 0, "typed again after it was done")
    entry = world.topics.refresh().ledger(world.application)[f"created:{acme.id}/{case['employee']}"]
    equal(entry["outcome"], "APPLIED")


@test
def trace_says_that_she_is_in_step():
    story = trace(case["employee"])
    equal((story["verdict"], story["because"]), ("in step", []))
    equal(told(story)[-1], ("applied", "created"))
    equal(story["learnamp"]["user_id"], acme.user(case["employee"])["id"])


@test
def trace_says_what_was_changed_by_hand():
    user = acme.user(case["employee"])
    acme.change_user(user["id"], jobTitle="Changed by hand")
    story = trace(case["employee"])
    equal(story["verdict"], "not in step")
    assert "job title: Changed by hand, and HR says Wizard" in story["because"][0], story
    acme.change_user(user["id"], jobTitle="Wizard")
    for person in acme.users():
        if person["integrationExternalId"]:
            equal((person["email"], trace(person["integrationExternalId"])["because"]), (person["email"], []))


@test
def trace_finds_people_by_address_whatever_its_case_and_says_who_had_it():
    email = acme.employee(case["employee"])["work_email"]
    equal(trace(email.upper())["employee_id"], case["employee"])
    acme.change("update", case["employee"], work_email="wanda.new@acme.example")
    world.settle()
    equal(trace("wanda.new@acme.example")["employee_id"], case["employee"])
    other = hire(first_name="Second", last_name="Widow", work_email=email)
    world.settle()
    equal(trace(email)["employee_id"], other, "who has it now, and not who had it before")
    acme.change("update", other, work_email="wanda.new@acme.example")
    world.wait_for("the collision", lambda: [] if len(trace("wanda.new@acme.example").get("matches", [])) == 2 else ["one"])
    equal(sorted(m["employee_id"] for m in trace("wanda.new@acme.example")["matches"]), sorted([other, case["employee"]]))
    story = trace(other)
    equal((story["verdict"], told(story)[-1][0]), ("not in step", "waiting"))
    assert "same e-mail address" in story["because"][0], story
    acme.change("update", other, work_email=email)
    by_hand = acme.add_user(email="by.hand@acme.example", firstName="By", lastName="Hand", integrationExternalId=other + "x")
    equal(trace("by.hand@acme.example")["employee_id"], by_hand["integrationExternalId"], "asked of Learn Amp")


@test
def trace_names_who_has_her_address_at_learn_amp():
    holder = acme.add_user(email="held@acme.example", firstName="Held", lastName="By", integrationExternalId="of-another-system")
    employee = hire(first_name="Hedy", last_name="Held", work_email="held@acme.example")
    before = len(letters())
    world.wait_polled("acme")
    world.wait_for("the conflict", lambda: bool(trace(employee)["because"]) or ["none"])
    for _ in ("parked", "dead-lettered"):
        story = trace(employee)
        assert any(f"user {holder['id']} has the address and bears the id of-another-system" in why for why in story["because"]), story
        assert f"trace --integration {acme.id} --employee of-another-system" in story["next"][0], story
        wait_for_letters(before + 1)
    acme.change_user(holder["id"], email="given.up@acme.example")
    consumer("dlq", "replay", "--integration", acme.id, "--employee", employee, "--apply")
    world.wait_for("her user", lambda: bool(acme.user(employee)) or ["none"])
    world.wait_quiet()
    equal(trace(employee)["verdict"], "in step")


@test
def trace_says_that_nobody_is_known_and_where_it_looked():
    for name in ("nobody", "nobody@nowhere.example"):
        done = world.command("consumer", "trace", "--integration", acme.id, "--employee", name)
        equal((done.returncode, done.stdout), (1, ""))
        for word in (name, "published", "Learn Amp", "once --integration"):
            assert word in done.stderr, done.stderr
    equal(world.command("consumer", "trace", "--employee", "nobody").returncode, 2)


@test
def a_learn_amp_that_does_not_answer_is_said_and_no_failure():
    fault = world.sandbox.fault("status", "learnamp", acme, next=-1, status=503)
    story = trace(case["employee"])
    equal(story["verdict"], "in step")
    assert story["learnamp"]["trouble"] and "not known" in story["notes"][0], story
    world.sandbox.clear(fault)


@test
def trace_names_the_hold_and_the_pause_and_how_to_end_them():
    beta = world["beta"]
    first, second, third = [e["id"] for e in beta.employees() if beta.user(e["id"])][:3]
    beta.changes([{"op": "update", "employee": e, "employment_status": "INACTIVE"} for e in (first, second)])
    world.wait_for("the hold", lambda: [] if trace(first, integration=beta)["verdict"] == "not in step" else ["none"])
    story = trace(first, integration=beta)
    equal((story["story"][-1]["what"], story["story"][-1]["type"]), ("held", "deactivated"))
    hold = world.topics.refresh().states()[beta.id]["holds"][0]["id"]
    assert f"rollcall-producer status --integration {beta.id} --hold {hold}" in story["next"][0], story
    assert f"rollcall-producer approve --integration {beta.id} --hold {hold}" in story["next"][1], story
    equal(world.command("producer", "pause", "--integration", beta.id).returncode, 0)
    beta.change("update", third, job_title="Waits")
    world.wait_for("the pause", lambda: [] if trace(third, integration=beta)["because"] else ["none"])
    story = trace(third, integration=beta)
    assert "paused" in story["because"][0] and f"rollcall-producer resume --integration {beta.id}" in story["next"][0], story
    equal(world.command("producer", "resume", "--integration", beta.id).returncode, 0)


@test
def bytes_that_nobody_reads_are_shown_and_can_be_tried():
    key = f"{acme.id}/nobody"
    send_raw("employee.created", key, b"hello, this is no Avro", [("who", b"somebody else")])
    letter, = wait_for_letters(1)
    equal((letter["reason"], letter["integration_id"], letter["employee_id"]), ("POISON", acme.id, "nobody"))
    shown = consumer("dlq", "show", "--offset", place(letter))
    for word in ("hello, this is ", "68 65 6c 6c 6f", "somebody else", "cannot be read"):
        assert word in shown, f"{word} is not in {shown}"
    equal(json.loads(consumer("dlq", "replay", "--reason", "POISON", "--apply", "--json"))["replayed"], 1)
    world.wait_for("it to die again", lambda: [] if [x for x in letters() if x["offset"] != letter["offset"]] else ["no"])
    equal(len(letters()), 1)


@test
def many_dead_letters_are_told_in_groups():
    headers = {"rollcall_lane": "created", "rollcall_reason": "POISON", "rollcall_failed_at": "2026-11-22T03:00:00.000Z"}
    for i in range(60):
        send_raw(f"{world.application}.dlq", f"{acme.id}/{i}", b"who knows", list({**headers, "rollcall_message": f"kind {i % 2}"}.items()))
    out = consumer("dlq", "list")
    lines = [line.split() for line in out.splitlines() if "kind " in line]
    equal([line[:3] for line in lines], [["30", acme.id, "created"]] * 2, out)
    assert "61 dead letters wait" in out, out
    equal(len(letters()), 61)


@test
def wrong_command_lines_say_what_to_write():
    for arguments, word in ((("dlq",), "dlq list, dlq show, dlq replay"), (("dlq", "list", "--reason", "BAD"), "REJECTED"),
                            (("dlq", "list", "--employee", "x"), "--integration"), (("dlq", "list", "--employee", "x@y.example"), "trace --employee x@y.example"), (("dlq", "show", "--offset", "99:1"), "0 to 3")):
        done = world.command("consumer", *arguments)
        equal(done.returncode, 2, words(done))
        assert word in done.stderr, done.stderr
    done = world.command("consumer", "dlq", "show", "--offset", "1:9999")
    equal(done.returncode, 1)
    assert "dlq list" in done.stderr, done.stderr


with world:
    run(world)
