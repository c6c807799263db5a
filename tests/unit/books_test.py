"""The books are code that can be wrong. Here they read a small company made by hand, of which nothing is to be said, and then the same
with one thing wrong at a time: each check finds the violation that it is there for."""

import tempfile
import uuid
from pathlib import Path

from rollcall import books
from rollcall.books.events import NAMESPACE
from rollcall.paper import NORTH, START, company, when
from rollcall.suite import run, test
from rollcall.topics import EVENT_TYPES


def books_of(made, **more):
    return books.all_of(made.topics, [made], sections={NORTH: made.section}, together=True, **more)


@test
def nothing_is_said_of_a_company_in_which_nothing_is_wrong():
    found = {name: problems for name, problems in books_of(company()).items() if problems}
    assert not found, found


@test
def every_check_names_its_invariant():
    for name in books_of(company()):
        assert name.startswith("I") and name[1].isdigit(), name


# --- one thing wrong at a time --------------------------------------------------------------------------------------

VIOLATIONS = []


def violation(check, words, **asked):
    """Registers what breaks the company. `check`: how the name of the check begins that must find it; `words`: of what it says."""
    def register(breaks):
        VIOLATIONS.append((check, words, breaks, asked))
        return breaks
    return register


def value_of(made, event_type, employee="ada", number=0):
    found = [r for r in made.topics.records[f"employee.{event_type}"] if r.key.endswith("/" + employee)]
    return found[number].value


# I1, within the topics


@violation("I1 chain", "once more")
def an_event_that_is_there_twice(made):
    record = made.event("team-changed", "ada")
    made.topics.put(record.topic, record.key, record.value, 12, record.headers)


@violation("I1 event ids", "once more")
def an_id_that_is_there_twice(made):
    record = made.event("team-changed", "ada")
    made.topics.put(record.topic, record.key, record.value, 12, record.headers)


@violation("I1 chain", "and")
def a_gap_in_the_chain(made):
    value_of(made, "deactivated")["metadata"]["previous_version"] -= 1


@violation("I1 chain", "stand alone")
def created_beside_another_type(made):
    made.publish("dan", 50, ["created", "team-changed"], reason="RESYNC")


@violation("I1 event ids", "and not")
def an_id_of_another_version(made):
    value_of(made, "created", "eve")["metadata"]["event_id"] = str(uuid.uuid5(NAMESPACE, "other"))


@violation("I1 event ids", "the key is not")
def a_key_of_somebody_else(made):
    made.event("created", "eve").key = f"{NORTH}/dan"


@violation("I1 records can be read", "no frame")
def bytes_that_nobody_reads(made):
    made.topics.put("employee.created", f"{NORTH}/eve", None, 5).problem = "no frame"


@violation("I1 snapshots", "without any event")
def a_snapshot_without_an_event(made):
    row = made.topics.newest("employee.snapshot")[f"{NORTH}/eve"].value
    made.topics.put("employee.snapshot", f"{NORTH}/eve", {**row, "version": row["version"] + 1}, 5)


@violation("I1 snapshots", "the newest events")
def an_event_without_a_snapshot(made):
    made.topics.records["employee.snapshot"].pop()


@violation("I1 snapshots", "differ")
def a_snapshot_that_says_something_else(made):
    made.topics.newest("employee.snapshot")[f"{NORTH}/eve"].value["employee"]["job_title"] = "Else"


@violation("I1 snapshots", "once more")
def a_snapshot_that_is_there_twice(made):
    row = made.topics.newest("employee.snapshot")[f"{NORTH}/eve"].value
    made.topics.put("employee.snapshot", f"{NORTH}/eve", row, 5)


@violation("I1 snapshots", "GONE")
def a_snapshot_that_says_gone_of_somebody_employed(made):
    made.topics.newest("employee.snapshot")[f"{NORTH}/eve"].value["presence"] = "GONE"


@violation("I1 every event", "without a difference")
def an_event_without_a_difference(made):
    made.publish("eve", 50, ["profile-updated"])


@violation("I1 every event", "team-changed without a difference")
def a_move_to_where_they_were(made):
    made.publish("eve", 50, ["team-changed"])


@violation("I1 every event", "what was published before is 'Engineer'")
def a_previous_value_that_was_not_published(made):
    value_of(made, "profile-updated")["changed_fields"][0]["previous"] = "Intern"


@violation("I1 every event", "changed_fields are")
def a_changed_field_that_is_not_named(made):
    value_of(made, "profile-updated")["changed_fields"][0]["name"] = "last_name"


@violation("I1 every event", "no team-changed says so")
def a_move_without_its_event(made):
    made.topics.records["employee.team-changed"].clear()


@violation("I1 every event", "previous_team is")
def a_previous_team_that_was_not_published(made):
    value_of(made, "team-changed")["previous_team"] = {"id": "g9", "name": "Nine"}


@violation("I1 every event", "different states")
def two_events_of_one_version_with_two_states(made):
    value_of(made, "team-changed")["employee"]["job_title"] = "Else"


@violation("I1 every event", "published before")
def a_new_hire_who_was_published_before(made):
    made.publish("eve", 50, ["created"], reason="NEW_HIRE")


@violation("I1 every event", "not gone")
def a_rehire_of_somebody_employed(made):
    made.publish("eve", 50, ["created"], reason="REHIRE")


@violation("I1 every event", "somebody who is gone")
def a_change_of_somebody_gone(made):
    made.publish("bob", 50, ["profile-updated"])


@violation("I1 every event", "not what was published before")
def a_resync_of_another_state(made):
    made.publish("eve", 50, ["created"], {**made.state("eve"), "job_title": "Else"}, reason="RESYNC")


@violation("I1 every event", "they were gone before")
def gone_twice(made):
    made.publish("bob", 50, ["deactivated"], reason="INACTIVE", effective_date=None)


# I1, by HR's account


@violation("I1 every published state", "HR never said so; it differs in job_title")
def a_state_that_HR_never_had(made):
    value_of(made, "profile-updated")["employee"]["job_title"] = "Chief"


@violation("I1 every published state", "what HR said until")
def a_state_that_HR_had_before(made):
    made.publish("ada", 50, ["profile-updated"], made.state("ada", back=4))


@violation("I1 every published state", "as it was before")
def the_former_name_of_a_team(made):
    made.units["g1"].append({"at": when(10).isoformat(), "name": "Selling", "deleted": False})
    made.publish("dan", 12, ["team-changed"])
    made.publish("dan", 13, ["team-changed"], {**made.state("dan"), "primary_team": {"id": "g1", "name": "Sales"}})


@violation("I1 every published state", "never was in HR")
def a_name_that_no_team_had(made):
    value_of(made, "created", "dan")["employee"]["primary_team"]["name"] = "Marketing"


@violation("I1 every published state", "primary_team")
def a_team_that_they_are_not_in(made):
    value_of(made, "created", "dan")["employee"]["primary_team"] = {"id": "g2", "name": "Support"}


@violation("I1 every published state", "manager_email")
def a_manager_who_is_not_theirs(made):
    made.people["dan"][0]["manager"] = "eve"
    value_of(made, "created", "dan")["employee"]["manager_email"] = "bob@acme.example"


@violation("I1 every published state", "published as employed, and INACTIVE")
def a_leaver_who_is_announced(made):
    made.says("dan", 10, employment_status="INACTIVE")
    made.publish("dan", 12, ["profile-updated"])


@violation("I6 the newest snapshot", "differs from HR in job_title")
def a_change_that_was_never_published(made):
    made.says("dan", 10, job_title="Lead")


@violation("I6 the newest snapshot", "never published")
def a_hire_that_was_never_published(made):
    made.says("fay", 10)


@violation("I6 the newest snapshot", "name of the team")
def a_renaming_that_was_never_published(made):
    made.units["g1"].append({"at": when(10).isoformat(), "name": "Selling", "deleted": False})


@violation("I6 the newest snapshot", "missing in HR")
def somebody_missing_who_stays(made):
    made.says("dan", 10, vanished=True)


# I1, I5: what is parked


@violation("I1 what is parked", "parked 2 times")
def a_copy_that_was_committed_twice(made):
    made.park(made.event("profile-updated", "ada"), 11.25)


@violation("I5 nothing that was parked", "neither parked again nor finished")
def a_parked_record_that_is_lost(made):
    record = made.event("created", "eve")
    made.topics.records["learnamp.ledger"] = [r for r in made.topics.records["learnamp.ledger"] if r.key != f"created:{NORTH}/eve"]
    made.outcome("created", "eve", record.value["metadata"]["version"], 2, "PARKED")
    made.park(record, 2)


@violation("I5 every event", "its ledger says nothing")
def an_offset_without_its_outcome(made):
    made.topics.records["learnamp.ledger"] = [r for r in made.topics.records["learnamp.ledger"] if r.key != f"team-changed:{NORTH}/ada"]


@violation("I5 every event", "has put version")
def an_outcome_of_an_older_version(made):
    for record in made.topics.records["learnamp.ledger"]:
        if record.key == f"created:{NORTH}/eve":
            record.value["version"] -= 1


@violation("I5 ledger", "no outcome")
def an_event_without_any_outcome(made):
    made.topics.records["learnamp.ledger"] = [r for r in made.topics.records["learnamp.ledger"] if r.key != f"team-changed:{NORTH}/ada"]


@violation("I5 every event", "no dead letter")
def poison_that_was_dropped(made):
    record = made.topics.put("employee.created", f"{NORTH}/eve", {}, 5)
    record.value, record.raw = None, b"poison"


# I2, I3


def leaves(made, employee, second, reason):
    made.leave(employee, second, reason)


@violation("I2, I3 every published", "HR never said that they left")
def a_deactivation_that_HR_never_wanted(made):
    leaves(made, "dan", 50, "INACTIVE")


@violation("I2, I3 every published", "HR never said that they left")
def a_deactivation_of_somebody_who_had_come_back(made):
    # The former employment's end is no reason for another deactivation.
    leaves(made, "ada", 50, "INACTIVE")


@violation("I2, I3 every published", "HR never said that they left")
def a_deactivation_before_HR_said_so(made):
    leaves(made, "dan", 50, "INACTIVE")
    made.says("dan", 60, employment_status="INACTIVE")


@violation("I2, I3 every published", "never vanished")
def somebody_missing_who_was_there(made):
    leaves(made, "dan", 50, "MISSING")


@violation("I2, I3 every published", "only (absence_grace")
def one_absence_alone(made):
    made.says("dan", 49.8, vanished=True)
    leaves(made, "dan", 50, "MISSING")


@violation("I2, I3 every published", "only (absence_grace")
def deleted_for_a_moment(made):
    made.says("dan", 49, deleted=True)
    made.says("dan", 49.5, deleted=False)
    leaves(made, "dan", 52, "DELETED")


@violation("I2, I3 every published", "never deleted")
def deleted_and_restored_before_it_was_published_again(made):
    made.says("dan", 44, deleted=True)
    made.says("dan", 46, deleted=False, job_title="Lead")
    made.publish("dan", 47, ["profile-updated"])
    leaves(made, "dan", 50, "DELETED")


@violation("I2, I3 every published", "the policy leaves nobody out")
def out_of_a_scope_that_does_not_exist(made):
    leaves(made, "dan", 50, "OUT_OF_SCOPE")


@violation("I2, I3 every published", "the scope never left them out")
def out_of_scope_within_it(made):
    made.section["policy"]["scope"] = {"groups": ["Sales"]}
    leaves(made, "dan", 50, "OUT_OF_SCOPE")


@violation("I2, I3 every published", "was not gone before")
def a_resync_that_deactivates(made):
    leaves(made, "dan", 50, "RESYNC")


@violation("I3 no brake", "the 4th deactivation within 24 hours")
def one_more_than_the_brake_lets_pass(made):
    made.says("dan", 45, employment_status="INACTIVE")
    leaves(made, "dan", 50, "INACTIVE")


@violation("I3 no deactivation was sent", "nobody ever published")
def a_request_that_nobody_published(made):
    made.ask("dan", 50, "PUT", f"/v1/users/{made.accounts['dan']['id']}/deactivate", 204)


@violation("I3 no deactivation was sent", "employed is what was published")
def a_request_before_its_event(made):
    made.ask("bob", 28, "PUT", f"/v1/users/{made.accounts['bob']['id']}/deactivate", 204)


@violation("I3 no deactivation was sent", "published later")
def a_request_before_anything_was_published(made):
    made.ask("bob", -5, "PUT", f"/v1/users/{made.accounts['bob']['id']}/deactivate", 204)


@violation("I3 no deactivation was sent", "employed is what was published")
def a_request_after_they_came_back(made):
    made.ask("ada", 60, "PUT", "/v1/users/1001/deactivate", 204)


@violation("I3 no deactivation was sent", "employed is what was published", seen={("employee.snapshot", 0, 7): START + 41_100})
def a_request_a_little_after_they_were_seen_to_come_back(made):
    made.ask("ada", 47, "PUT", "/v1/users/1001/deactivate", 0, effect="none")


@violation("I3 deactivations destroyed", "by 0 requests")
def tasks_that_nobody_asked_to_destroy(made):
    made.accounts["dan"].update(deactivations=1, tasksDestroyed=3)


@violation("I3 deactivations destroyed", "nobody ever published")
def tasks_of_somebody_employed(made):
    made.accounts["dan"].update(deactivations=1, tasksDestroyed=3)
    made.ask("dan", 50, "PUT", f"/v1/users/{made.accounts['dan']['id']}/deactivate", 204)


@violation("I3 deactivations: ", "no event says why")
def a_user_deactivated_without_an_event(made):
    made.accounts["dan"].update(deactivations=1, tasksDestroyed=3)


# I4, I6


@violation("I4 Learn Amp stays", "jobTitle is 'Engineer'")
def a_user_who_stays_at_an_older_state(made):
    made.accounts["ada"]["jobTitle"] = "Engineer"


@violation("I4 Learn Amp stays", "the manager is nobody")
def a_manager_who_is_there_and_not_set(made):
    made.topics.snapshots()[f"{NORTH}/ada"]["employee"]["manager_email"] = "eve@acme.example"


@violation("I3 deactivations destroyed", "was deactivated 2 times, and 1 were published")
def a_deactivation_for_which_nothing_was_published(made):
    user = made.accounts["ada"]
    user.update(deactivations=2, tasksDestroyed=3)
    made.ask("ada", 41.1, "PUT", f"/v1/users/{user['id']}/deactivate", 204)


@violation("I6 nobody's user", "made the user of dan that of eve")
def a_user_given_to_somebody_else(made):
    made.ask("dan", 42, "PUT", "/v1/users/by_integration_external_id/dan", 200, '{"jobTitle": "Engineer"}')
    made.ask("dan", 43, "PUT", f"/v1/users/{made.accounts['dan']['id']}", 200, '{"integrationExternalId": "eve", "jobTitle": "Engineer"}')


@violation("I4 Learn Amp stays", "the primary team is g1")
def a_user_who_stays_in_the_former_team(made):
    made.accounts["ada"]["primaryTeam"] = {"integrationExternalId": "g1"}


@violation("I4 Learn Amp stays", "is active")
def a_leaver_who_stays_active(made):
    made.accounts["bob"]["statusValue"] = "confirmed"


@violation("I4 Learn Amp stays", "deactivated at Learn Amp")
def somebody_employed_who_stays_deactivated(made):
    made.accounts["eve"]["statusValue"] = "deactivated"


@violation("I4 Learn Amp stays", "not there at Learn Amp")
def somebody_employed_who_is_not_there(made):
    del made.accounts["eve"]


@violation("I4 no older state", "after")
def an_older_state_over_a_newer_one(made):
    made.ask("ada", 42, "PUT", "/v1/users/1001", 200, '{"jobTitle": "Engineer"}')


@violation("I4 no older state", "after")
def an_older_state_that_takes_effect_late(made):
    made.ask("ada", 42, "PUT", "/v1/users/1001", 0, '{"jobTitle": "Engineer"}', effect="late")


@violation("I4 no older state", "is no state that was published")
def a_state_that_nobody_published(made):
    made.ask("ada", 42, "PUT", "/v1/users/1001", 200, '{"jobTitle": "Chief"}')


@violation("I6 Learn Amp equals HR", "jobTitle")
def learn_amp_differs_from_hr(made):
    made.compared.append({"employee": "dan", "field": "jobTitle", "hr": "Lead", "learnamp": "Engineer"})


@violation("I1, I4 nobody twice", "user with address")
def a_user_who_is_there_twice(made):
    made.accounts["twin"] = {**made.accounts["dan"], "id": 1, "integrationExternalId": None}


@violation("I1, I4 nobody twice", "team Sales")
def a_team_that_is_there_twice(made):
    made.units["g3"] = [{"name": "Sales", "deleted": False}]


# I6, I7, I8


def letter(made, reason, status=None, employee="dan"):
    if status:
        made.ask(employee, 2, "PUT", f"/v1/users/by_integration_external_id/{employee}", status, effect="none")
    return made.park(made.event("created", employee), 2, "learnamp.dlq", reason, rollcall_message="words")


@violation("I6, I7 dead letters", "REJECTED words")
def a_dead_letter(made):
    letter(made, "REJECTED", 422)


@violation("I6, I7 dead letters", "0 times a dead letter", sown=["employee.created/0/17"])
def poison_that_is_no_dead_letter(made):
    pass


@violation("I6, I7 dead letters", "2 times a dead letter", sown=["employee.created/0/3"])
def poison_that_is_a_dead_letter_twice(made):
    letter(made, "POISON")
    letter(made, "POISON")


@violation("I7 dead letters were refused", "answered nothing but [201, 503]")
def a_dead_letter_because_learn_amp_was_away(made):
    letter(made, "REJECTED", 503)


@violation("I7 dead letters were refused", "TRANSIENT is no reason")
def a_dead_letter_that_ought_to_be_tried_again(made):
    letter(made, "TRANSIENT", 503)


@violation("I7 dead letters were refused", "POISON, and it can be read")
def poison_that_can_be_books_of(made):
    letter(made, "POISON")


@violation("I7 dead letters were refused", "IDENTITY_CONFLICT, and")
def a_conflict_that_there_was_not(made):
    letter(made, "IDENTITY_CONFLICT", 503)


@violation("I8 canaries", "CANARY")
def a_bank_account_in_a_topic(made):
    made.event("created", "eve").raw = b"\xc3\x01 DE00CANARY"


@violation("I8 canaries", "918273")
def a_salary_in_a_header(made):
    made.event("created", "eve").headers["ce_note"] = "918273.50"


@violation("I8 canaries", "03:14:15.926", folders=["log"])
def a_birth_date_in_a_log(made):
    folder = Path(tempfile.mkdtemp())
    (folder / "consumer.log").write_text("born 1980-05-17T03:14:15.926Z")
    return folder


def register(check, words, breaks, read):
    def violated():
        made, asked = company(), dict(read)
        folder = breaks(made)
        if "folders" in asked:
            asked["folders"] = [folder]
        try:
            found = {name: problems for name, problems in books_of(made, **asked).items() if problems}
        finally:
            for path in folder.iterdir() if folder else ():
                path.unlink()
            if folder:
                folder.rmdir()
        said = [problem for name, problems in found.items() if name.startswith(check) for problem in problems]
        assert any(words in problem for problem in said), f"{check!r} says nothing of {words!r}: {found}"
    violated.title = f"{check}: {breaks.__name__.replace('_', ' ')}"
    test(violated)


for entry in VIOLATIONS:
    register(*entry)


# --- what is no violation -------------------------------------------------------------------------------------------


def well(made, **asked):
    found = {name: problems for name, problems in books_of(made, **asked).items() if problems}
    assert not found, found


@test
def a_resync_says_the_same_once_more():
    made = company()
    made.publish("eve", 50, ["created"], reason="RESYNC")
    made.publish("bob", 51, ["deactivated"], made.published["bob"][1], reason="RESYNC", effective_date=None)
    well(made)


@test
def an_approved_hold_passes_the_brake():
    made = company()
    made.says("dan", 45, employment_status="INACTIVE")
    made.topics.put("sync.pending", f"{NORTH}/dan", {"integration_id": NORTH, "employee_id": "dan", "reasons": ["HELD"],
                                                     "holds": [{"brake": "deactivations", "hold_id": "h1"}]}, 46)
    made.topics.put("sync.pending", f"{NORTH}/dan", None, 50)
    made.topics.put("sync.commands", NORTH, {"integration_id": NORTH, "kind": "APPROVE", "hold_id": "h1"}, 48)
    leaves(made, "dan", 50, "INACTIVE")
    found = books_of(made)
    assert not found["I3 no brake was passed: north"], found


@test
def who_waits_is_excepted_by_I6():
    made = company()
    made.says("dan", 45, job_title="Lead", work_email="eve@acme.example")
    made.topics.put("sync.pending", f"{NORTH}/dan", {"integration_id": NORTH, "employee_id": "dan", "reasons": ["EMAIL_COLLISION"], "holds": []}, 46)
    made.compared.append({"employee": "dan", "field": "jobTitle", "hr": "Lead", "learnamp": "Engineer"})
    well(made)


@test
def one_of_two_who_swap_addresses_waits_at_another():
    made = company()
    made.section["policy"]["swap_address"] = "swap-{id}@acme.example"
    made.ask("dan", 5, "PUT", "/v1/users/by_integration_external_id/dan", 200, '{"email": "swap-dan@acme.example"}')
    well(made)


@test
def who_was_brought_back_by_an_older_state_is_deactivated_once_more():
    made = company()
    user = made.accounts["bob"]
    made.ask("bob", 33.0, "PUT", f"/v1/users/{user['id']}/reactivate", 204)
    made.ask("bob", 34.0, "PUT", f"/v1/users/{user['id']}/deactivate", 204)
    user.update(deactivations=2)
    well(made)


@test
def poison_that_was_sown_is_a_dead_letter_once():
    made = company()
    record = made.topics.put("employee.created", f"{NORTH}/eve", {}, 5)
    record.value, record.raw, record.problem, record.headers = None, b"poison", "no frame", {}
    copy_of = made.park(record, 6, "learnamp.dlq", "POISON")
    copy_of.value, copy_of.problem = None, "no frame"
    well(made, sown=["employee.created/0/" + str(record.offset)])


@test
def a_forgotten_person_begins_anew():
    made = company()
    made.topics.put("employee.snapshot", f"{NORTH}/bob", None, 60)
    del made.published["bob"]
    made.says("bob", 61, deleted=False)
    made.publish("bob", 62, ["created"], reason="NEW_HIRE")
    made.account("bob", statusValue="confirmed")
    well(made)


@test
def lists_that_a_fault_shortened_are_looks():
    made = company()
    made.by_side["kombo"] += [{"number": n, "at": when(second).isoformat(), "method": "GET", "target": "/hris/employees?page_size=10",
                               "status": 200, "answer": "whole", "fault": 3, "effect": "done"} for n, second in ((1, 44), (2, 48))]
    leaves(made, "dan", 49, "MISSING")
    assert not books_of(made)["I2, I3 every published deactivation was HR's: north"]


@test
def a_renamed_team_is_published_for_its_members():
    made = company()
    made.units["g1"].append({"at": when(45).isoformat(), "name": "Selling", "deleted": False})
    for employee in ("dan", "eve"):
        made.publish(employee, 46, ["team-changed"])
    well(made)


@test
def records_that_no_lane_has_put_behind_it_owe_no_outcome():
    made = company()
    made.topics.records["learnamp.ledger"] = [r for r in made.topics.records["learnamp.ledger"] if r.key != f"team-changed:{NORTH}/ada"]
    made.topics.open.add(id(made.event("team-changed", "ada")))
    assert not books.outcomes.outcomes(made.evidence(committed={lane: made.topics.committed(lane) for lane in EVENT_TYPES}))


@test
def every_excuse_is_asked_for_by_some_check():
    sources = "".join(path.read_text() for path in Path(books.__file__).parent.glob("*.py"))
    for word in books.EXCUSES:
        assert f'"{word}" in ' in sources or f'"{word}" not in ' in sources, word


run()
