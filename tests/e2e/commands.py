"""The commands that a person types before and beside the services."""

import json
import re

from rollcall.suite import equal, run, test
from rollcall.world import World

world = World("commands", {"acme": {"people": 12}, "other": {"people": 5}})
acme = world["acme"]
services = {}


def words(done):
    return done.stdout + done.stderr


@test
def topics_are_created_once_and_checked():
    done = world.command("producer", "topics")
    equal(done.returncode, 0, words(done))
    names = world.topics.names()
    equal(len(names), 14)
    equal(world.command("producer", "topics").returncode, 0)
    equal(world.topics.names(), names)
    partitions = world.settings.get("kafka", {}).get("partitions", 4)
    world.write_config(kafka={"partitions": 7})
    done = world.command("producer", "topics")
    equal(done.returncode, 1, words(done))
    assert re.search(r"has 4 partitions, but kafka.partitions is 7", words(done)), words(done)
    for program in ("producer", "consumer"):
        refused = world._program(program, "refused").start()
        equal(refused.process.wait(30), 2, refused.text())
        refused.expected = False
        assert "partitions" in refused.text(), refused.text()
    world.write_config(kafka={"partitions": partitions})


@test
def once_polls_by_itself_and_asks_the_services_while_they_run():
    done = world.command("producer", "once", "--json")
    equal(done.returncode, 0, words(done))
    polls = {entry["id"]: entry["last_poll"] for entry in json.loads(done.stdout)["integrations"]}
    equal({i: poll["full"] for i, poll in polls.items()}, {i.id: True for i in world.integrations.values()})
    published = len(list(world.topics.refresh().events()))
    equal(published, sum(poll["events"] for poll in polls.values()))
    services["producer"], services["consumer"] = world.start()
    world.wait_equal()
    # Of another instance than theirs, which fills no local tables to ask: with many people that takes long.
    done = world.command("producer", "once", "--json", "--full", "--integration", acme.id, "--instance", "elsewhere")
    assert not (world.folder / "state" / "elsewhere").exists()
    equal(done.returncode, 0, words(done))
    entry, = json.loads(done.stdout)["integrations"]
    equal((entry["id"], entry["last_poll"]["full"], entry["last_poll"]["trigger"], entry["last_poll"]["events"]), (acme.id, True, "COMMAND", 0))
    world.sandbox.fault("kombo_error", "kombo", acme, code="INTEGRATION.INACTIVE", next=-1)
    done = world.command("producer", "once", "--integration", acme.id)
    equal(done.returncode, 1, words(done))
    assert "inactive" in words(done).lower(), words(done)
    world.sandbox.clear()
    done = world.command("producer", "once", "--integration", "personio:nobody")
    equal(done.returncode, 2, words(done))


@test
def a_service_that_stops_keeps_its_place_for_a_restart_and_once_comes_after_its_session():
    group = f"{world.prefix}rollcall-producer"
    admin = world.topics.admin

    def members():
        described = admin.describe_consumer_groups([group], request_timeout=10)[group].result()
        return [member.group_instance_id for member in described.members]
    equal(members(), ["one"])
    equal(services["producer"].stop(), 0)
    equal(members(), ["one"])
    done = world.command("producer", "once", "--instance", "elsewhere")
    equal(done.returncode, 0, words(done))
    equal(members(), [])  # and once itself waits for nobody, and nobody for it
    services["producer"].start().wait_ready()


@test
def check_reaches_every_service_and_says_what_is_wrong():
    for program in ("producer", "consumer"):
        done = world.command(program, "check")
        equal(done.returncode, 0, words(done))
    acme.settings(learnamp={"allowed_scopes": "users:read"})
    wrong = {"kombo": {"api_key": "wrong"}, "learnamp": {"client_secret": "wrong"}}
    before, world.overrides["other"] = world.overrides["other"], wrong
    world.write_config()
    for program, says in (("producer", "kombo.api_key"), ("consumer", "client_")):
        done = world.command(program, "check")
        equal(done.returncode, 1, words(done))
        assert "personio:other" in words(done) and says in words(done), words(done)
    done = world.command("consumer", "check")
    assert "scope" in words(done), words(done)
    world.overrides["other"] = before
    world.write_config()


@test
def config_masks_what_is_secret():
    for program in ("producer", "consumer"):
        done = world.command(program, "config")
        equal(done.returncode, 0, words(done))
        for integration in world.integrations.values():
            for secret in (integration.description["kombo"]["api_key"], integration.description["kombo"]["webhook_secret"],
                           integration.description["learnamp"]["client_secret"]):
                assert secret not in words(done), f"{program} config shows a secret"
        assert world.prefix in done.stdout


@test
def every_mistake_in_the_configuration_is_said_at_once():
    good = world.config_file.read_text()
    bad = good.replace('"poll_interval": "1s"', '"poll_interval": "often"').replace('"timezone": "UTC"', '"timezone": "Mars/Olympus"')
    world.config_file.write_text(bad.replace('"absence_grace"', '"absence_grase"'))
    for program in ("producer", "consumer"):
        done = world.command(program, "run")
        equal(done.returncode, 2, words(done))
        lines = [line for line in done.stderr.splitlines() if line.startswith(str(world.config_file))]
        equal(len([line for line in lines if "poll_interval" in line]), 2, done.stderr)
        equal(len([line for line in lines if "timezone" in line]), 2, done.stderr)
        equal(len([line for line in lines if "absence_grase" in line]), 2, done.stderr)
        assert all(re.match(r".*:\d+: [\w.\[\]]+: .*", line) for line in lines), done.stderr
    world.config_file.write_text(good)


with world:
    run(world)
