"""A consumer that is killed when Learn Amp has answered every kind of request and nothing of it is committed: the next one finds it done.
Nobody is created or invited twice."""

from rollcall.process import BIN
from rollcall.suite import equal, run, test
from rollcall.world import World

world = World("uncommitted", {"acme": {"people": 14, "seed": 5, "policy": {"invite": "on_create", "initial_import_invite": True}}}, partitions=2)
acme = world["acme"]


def employed():
    return sorted(user["integrationExternalId"] for user in acme.users() if user["statusValue"] != "deactivated")


def created():
    """Everybody who was created, which is what invites."""
    return [request for request in acme.writes() if request["method"] == "POST" and request["effect"] == "done"
            and request["target"].split("?")[0] == "/v1/users"]


def outstanding(since):
    wanted = {("POST", "/v1/users"), ("POST", "/v1/teams"), ("PUT", "/v1/teams/by_external_id/"), ("PUT", "/deactivate"),
              ("PUT", "/reactivate"), ("PUT", "/v1/users/by_integration_external_id/"), ("DELETE", "/users/")}
    seen = [(request["method"], request["target"]) for request in acme.writes(after=since) if request["effect"] == "done"]
    return sorted(f"{method} {part}" for method, part in wanted
                  if not any(other == method and part in target for other, target in seen))


@test
def what_was_answered_and_not_committed_is_done_once():
    producer, consumer = world.start()
    world.settle()
    acme.change("add_group", name="Old name", type="TEAM")
    people = employed()
    acme.changes([{"op": "leave", "employee": people[0]}, {"op": "update", "employee": people[1], "team": "Old name"},
                  {"op": "update", "employee": people[2], "team": "Old name"}])
    world.settle()
    equal(consumer.stop(), 0)
    before, since = len(created()), acme.last_request()
    acme.add_user(email="adopted@acme.example", firstName="A", lastName="B")
    acme.change("add_group", name="Fresh", type="TEAM")
    acme.changes([{"op": "hire", "work_email": "created@acme.example"}, {"op": "hire", "work_email": "adopted@acme.example"},
                  {"op": "update", "employee": people[0], "employment_status": "ACTIVE", "termination_date": None},
                  {"op": "update", "employee": people[2], "groups": []}, {"op": "rename_group", "group": "Old name", "name": "New name"},
                  {"op": "leave", "employee": people[3]}, {"op": "update", "employee": people[4], "job_title": "Head"},
                  {"op": "update", "employee": people[5], "team": "Fresh"}])
    world.wait_polled()
    # Each life ends with its first commit, before that is sent.
    world.write_config(consumer={"transaction_interval": "5s"})
    while outstanding(since):
        consumer.start({"LD_PRELOAD": str(BIN / "fault" / "death.so"), "RC_DEATH": "commit:1"})
        consumer.expected = False
        world.wait_for("its end", lambda: not consumer.alive)
    world.write_config(consumer={"transaction_interval": "100ms"})
    consumer.start()
    world.settle()
    equal(len(created()), before + 1, "users created")
    equal([sum(team["name"] == name for team in acme.teams()) for name in ("Old name", "New name", "Fresh")], [0, 1, 1])
    equal(sorted(r["target"].split("?")[0] for r in acme.writes(after=since) if r["target"].endswith(("/deactivate", "/reactivate"))),
          sorted(f"/v1/users/{acme.user(people[n])['id']}/{what}" for n, what in ((0, "reactivate"), (3, "deactivate"))))
    world.check_books()


with world:
    run(world)
