"""The programs' configuration, written as JSON (which YAML contains), with everything that waits made short."""

import copy
import json

RETRY_DELAYS = ["1s", "2s", "4s"]

# A brake that trips would hold what a test waits for.
NO_BRAKES = {name: {"count": 0, "percent": 0} for name in
             ("deactivations", "creations", "team_changes", "email_changes", "profile_changes", "cleared_values")}

# A mapping that is written replaces the default as a whole: tests add to this one.
MAPPING = {
    "firstName": "first_name",
    "lastName": "last_name",
    "email": "work_email",
    "jobTitle": "job_title",
    "avatar": "avatar",
    "location": "work_location.name",
    "hireDate": "start_date",
    "leaveDate": "termination_date",
}
MANAGERS = {**MAPPING, "managerEmail": "manager.work_email"}


def base(kafka, prefix, state_dir, registry="", partitions=4):
    return {
        "kafka": {
            "bootstrap.servers": kafka,
            "topic_prefix": prefix,
            "partitions": partitions,
            "replication_factor": 1,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 1000,
        },
        "schema_registry": {"url": registry},
        "state_dir": str(state_dir),
        "log": {"level": "info", "format": "text"},
        "producer": {"listen": "127.0.0.1:0", "http_timeout": "5s"},
        "consumer": {
            "listen": "127.0.0.1:0",
            "http_timeout": "2s",
            "drain_timeout": "5s",
            "transaction_interval": "100ms",
            "retry_delays": list(RETRY_DELAYS),
        },
        "integrations": [],
    }


def integration(description, **overrides):
    """`description` is what the sandbox said about it; `overrides` are merged in, section by section."""
    made = {
        "id": description["id"],
        "name": description["name"],
        "timezone": "UTC",
        "kombo": {
            "base_url": description["kombo"]["base_url"],
            "api_key": description["kombo"]["api_key"],
            "webhook_secret": description["kombo"]["webhook_secret"],
            "poll_interval": "1s",
            "full_sync_interval": "1h",
            "page_size": 50,
        },
        "learnamp": {
            "base_url": description["learnamp"]["base_url"],
            "client_id": description["learnamp"]["client_id"],
            "client_secret": description["learnamp"]["client_secret"],
            "requests_per_second": 0,
            "max_in_flight": 32,
        },
        "policy": {"absence_grace": "1s", "brakes": copy.deepcopy(NO_BRAKES)},
    }
    merge(made, overrides)
    return made


def merge(into, changes):
    """Mappings are merged, everything else is replaced."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            into[key] = copy.deepcopy(value)
    return into


def write(configuration, path):
    path.write_text(json.dumps(configuration, indent=1, ensure_ascii=False) + "\n")
