"""I8: what nobody may know is in no topic, no log and no file. Every such value that the sandbox shows is a canary (tests/sandbox/README.md)."""

import re
from pathlib import Path

# Digits within a longer number are somebody's moment.
CANARIES = re.compile(rb"canary|(?<!\d)918273|T03:14:15\.926", re.IGNORECASE)


def look(name, data):
    """At most one line for a text: where it shows what nobody may know."""
    data = data if isinstance(data, bytes) else (data or "").encode(errors="surrogateescape")
    found = CANARIES.search(data)
    return [f"{name}: …{data[max(0, found.start() - 60):found.end() + 30]!r}…"] if found else []


def canaries(topics, folders=()):
    """Every record, and every file below `folders` (logs, state files), the sandbox's own log and the system's files aside."""
    problems = []
    for records in topics.records.values():
        for record in records:
            headers = "\n".join(f"{name}: {value}" for name, value in record.headers.items())
            problems += look(str(record), record.raw or b"") + look(f"key of {record}", record.key) + look(f"headers of {record}", headers)
    for folder in folders:
        for path in sorted(Path(folder).rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.startswith("sandbox"):
                problems += look(path.name, path.read_bytes())
    return problems
