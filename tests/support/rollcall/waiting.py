"""Conditions instead of sleeps."""

import os
import time

# Sanitized builds are slower: the same factor that stretches Check's time-outs.
PATIENCE = float(os.environ.get("CK_TIMEOUT_MULTIPLIER", "1"))


class Timeout(AssertionError):
    pass


def wait_for(what, condition, timeout=30.0, interval=0.05):
    """Calls condition() until it returns something true, and returns that. A list counts as what is still wrong:
    an empty one ends the wait. Exceptions of the network while a service starts count as "not yet"."""
    deadline = time.monotonic() + timeout * PATIENCE
    last = None
    while True:
        try:
            last = condition()
        except OSError as error:
            last = False if not isinstance(error, FileNotFoundError) else None
            detail = error
        else:
            detail = last
        if isinstance(last, list):
            if not last:
                return True
        elif last:
            return last
        if time.monotonic() > deadline:
            raise Timeout(f"waited {timeout * PATIENCE:.0f} s for {what}; the last answer: {shorten(detail)}")
        time.sleep(interval)


def never(what, condition, seconds):
    """Watches that condition() stays false; only where nothing tells that it can no longer become true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        assert not found, f"{what}: {shorten(found)}"
        time.sleep(0.1)


def shorten(value, limit=1500):
    if isinstance(value, list) and len(value) > 8:
        value = value[:8] + [f"… and {len(value) - 8} more"]
    text = repr(value) if not isinstance(value, str) else value
    return text if len(text) <= limit else text[:limit] + "…"
