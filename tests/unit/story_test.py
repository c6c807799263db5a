"""The story of an employee, told of a company made by hand."""

import copy

from rollcall.chaos import story
from rollcall.paper import START, company
from rollcall.suite import equal, run, test


def told(made, employee="ada", **more):
    return story.tell(made.evidence(), employee, began=START, **more)


def lines_of(text, who):
    return [line.split(who, 1)[1].strip() for line in text.splitlines() if line[27:].startswith(who)]


@test
def a_story_is_told_by_time_and_cause_comes_before_effect():
    found = story.lines(company().evidence(), "ada", [(START + 11_100, "SIGKILL consumer-c1")])
    assert [line.at for line in found] == sorted(line.at for line in found)
    equal([line.who for line in found if START + 10_000 <= line.at < START + 12_000],
          ["HR", "Kafka", "Kafka", "Kafka", "run", "request", "parked", "request", "ledger", "ledger"])


@test
def every_source_has_its_lines():
    text = told(company())
    equal(lines_of(text, "HR")[1:], ["job_title: Engineer → Lead; groups: Sales → Support", "employment_status: ACTIVE → INACTIVE",
                                     "employment_status: INACTIVE → ACTIVE"])
    assert any(line.startswith("profile-updated") and "job_title: Engineer → Lead" in line for line in lines_of(text, "Kafka")), text
    assert any("PUT /v1/users/1001/deactivate: 204" in line for line in lines_of(text, "request")), text
    assert any(line.startswith("profile-updated TRANSIENT attempt 1") for line in lines_of(text, "parked")), text
    assert "bob" not in text, "of somebody else"


@test
def what_was_aborted_says_so():
    made = company()
    everything = copy.deepcopy(made.topics)
    everything.put("employee.team-changed", made.event("team-changed", "ada").key, made.event("team-changed", "ada").value, 11)
    text = told(made, aborted=story.aborted_of(everything, made.topics))
    equal(len([line for line in text.splitlines() if "ABORTED" in line]), 1)


@test
def those_whom_the_problems_name_are_concerned():
    equal(story.concerned(["dan: wrong", "ada: wrong, ada again"], company().evidence()), ["ada", "dan"])


run()
