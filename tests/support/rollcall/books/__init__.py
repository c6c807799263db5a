"""What must hold between HR, the topics and Learn Amp: the invariants of docs/design.md, section 9. Each check returns what is wrong, as
a list of texts.

evidence   what a run left behind, read once
events     I1 within the topics: once, chained, ids, snapshots, differences told right
hr         I1, I6: what was published is what HR said, in HR's order
leaving    I2, I3: nobody is deactivated unless HR said so, and never past a brake
writes     I4, I6: what was written at Learn Amp, and what stands there in the end
outcomes   I5, I7: every event to its outcome, nothing parked is lost, dead letters
privacy    I8: canaries
watch      when snapshots could be read

They are code that can be wrong: tests/unit/books_test.py has a crafted violation for each of them.
"""

from rollcall.books import events, hr, leaving, outcomes, privacy, writes
from rollcall.books.events import by_employee, chain, counts, differences, identities, snapshots, unreadable
from rollcall.books.evidence import Evidence
from rollcall.books.outcomes import dead_letters, ledger
from rollcall.books.writes import body_of, deactivations, duplicates, equality, order

__all__ = ["CHECKS", "EXCUSES", "Evidence", "all_of", "body_of", "by_employee", "chain", "counts", "dead_letters", "deactivations",
           "differences", "duplicates", "equality", "events", "figures", "hr", "identities", "leaving", "ledger", "order", "outcomes", "privacy",
           "snapshots", "unreadable", "writes"]

# What a run may have done that a check has to take into account.
EXCUSES = {
    "clocks": "clocks were stepped: what rests on the moments of two processes is not judged (absence_grace, days, the moment of a deactivation)",
    "topic": "an event topic was made anew: what was in it is gone, so chains have gaps and snapshots no events",
    "again": "consumers died, or were moved back: poison above a watermark has no ledger entry, and is met once more",
    "ledger": "the ledger, or a retry topic, was made anew: outcomes that stood there are gone",
}

# Of one integration.
CHECKS = {
    "I1 every event tells a difference, and tells it right": events.differences,
    "I1 every published state was HR's, in HR's order": hr.states,
    "I1 what is parked is parked once": outcomes.parked_once,
    "I2, I3 every published deactivation was HR's": leaving.events,
    "I3 no brake was passed": leaving.brake,
    "I3 no deactivation was sent to somebody employed": leaving.requests,
    "I3 deactivations destroyed no more than was published": leaving.tasks,
    "I4 Learn Amp stays at no older state": writes.newest,
    "I5 every event has its outcome": outcomes.outcomes,
    "I5 nothing that was parked is lost": outcomes.successors,
    "I6 nobody's user became somebody else's": writes.identity,
    "I6 the newest snapshot is what HR says": hr.newest,
    "I7 dead letters were refused by Learn Amp itself": outcomes.refused,
}

# What the figures of a run call the problems of a check.
LOST = ("I5", "I6")
DUPLICATES = ("I1 chain", "I1 event ids", "I1 snapshots", "I1 what is parked", "I1, I4 nobody twice")
REORDERED = ("I1 every published state", "I4")
WRONG_DEACTIVATIONS = ("I2", "I3")


def figures(found):
    """{"lost": number of problems, …} of what all_of() found."""
    def number(names):
        return sum(len(problems) for name, problems in found.items() if name.startswith(names))
    return {"lost": number(LOST), "duplicates": number(DUPLICATES), "reordered": number(REORDERED),
            "wrong_deactivations": number(WRONG_DEACTIVATIONS)}


def all_of(topics, integrations, application="learnamp", dates=None, sections=None, sown=(), settled=(), excused=(), together=False,
           seen=None, folders=()):
    """{name of the check: problems}. `dates`: the day by which an integration is compared; `sections`: {integration id: its part of the
    configuration}; `sown`: places of a test's own poison; `settled`: dead_letters(); `excused`: words of EXCUSES; `together`: all lanes were in one process all the
    time; `seen`: rollcall.books.evidence; `folders`: with logs and state files. Every name begins with its invariant."""
    found = {
        "I1 records can be read": unreadable(topics, sown),
        "I1 chain of versions": chain(topics, excused=excused),
        "I1 event ids and headers": identities(topics),
        "I1 snapshots": snapshots(topics, excused=excused),
        "I5 ledger": ledger(topics, application) if "ledger" not in excused else [],
        "I6, I7 dead letters": dead_letters(topics, application, sown, settled, excused),
        "I8 canaries": privacy.canaries(topics, folders),
    }
    committed = None
    for integration in integrations:
        section = (sections or {}).get(integration.id)
        evidence = Evidence(topics, integration, application, section, seen, committed, excused)
        committed = evidence.committed
        query = {"date": dates[integration.slug]} if dates and integration.slug in dates else {}
        for name, check in CHECKS.items():
            found[f"{name}: {integration.slug}"] = check(evidence)
        found[f"I6 Learn Amp equals HR: {integration.slug}"] = writes.equal(evidence, **query)
        found[f"I1, I4 nobody twice: {integration.slug}"] = duplicates(integration)
        found[f"I3 deactivations: {integration.slug}"] = deactivations(topics, integration)
        if together:
            found[f"I4 no older state over a newer one: {integration.slug}"] = order(topics, integration, evidence.policy.get("swap_address", ""))
    return found
