"""Programs that are started, stopped, killed and continued, by their process id."""

import os
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

from rollcall.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("RC_BIN", ROOT / "build" / "bin"))


class Program:
    """One process at a time of a program; all its lives write to one log."""

    def __init__(self, name, program, arguments, log, environment=None):
        self.name = name
        self.command = [str(BIN / program), *arguments]
        self.log = Path(log)
        self.environment = {**os.environ, **(environment or {})}
        self.process = None
        self.lives = 0
        self.expected = True  # to run, until a test ends it
        self._life_begins = 0

    def start(self, environment=None):
        """`environment`: of this life only."""
        assert not self.alive, f"{self.name} runs already"
        self._life_begins = self.log.stat().st_size if self.log.exists() else 0
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={**self.environment, **(environment or {})},
                start_new_session=True, cwd=self.log.parent)
        self.lives += 1
        self.expected = True
        return self

    def check(self):
        """Fails when it ended by itself."""
        if self.process is not None and self.expected and not self.alive:
            self.expected = False
            raise AssertionError(f"{self.name} {self.state()}; its last words: {self.tail(4)}")

    def state(self):
        if self.process is None:
            return "was never started"
        code = self.process.poll()
        if code is None:
            return "runs"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    @property
    def alive(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        assert self.alive, f"{self.name} does not run any more: {self.tail()}"
        self.process.send_signal(number)

    def kill(self):
        """SIGKILL: no goodbye."""
        self.expected = False
        if self.alive:
            self.process.kill()
        if self.process:
            self.process.wait()

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def stop(self, timeout=60):
        """SIGTERM; returns the exit code."""
        self.expected = False
        if self.alive:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"{self.name} did not end {timeout} s after SIGTERM: {self.tail()}") from None

    # --- what it says ---

    def text(self):
        """The log of this life."""
        if not self.log.exists():
            return ""
        with open(self.log, "rb") as log:
            log.seek(self._life_begins)
            return log.read().decode(errors="replace")

    def tail(self, lines=15):
        return "\n".join(self.text().splitlines()[-lines:])

    def address(self):
        """Where it listens; None until it says so."""
        found = re.search(r"listening.*?(127\.0\.0\.1:\d+)", self.text())
        return found and found.group(1)

    def get(self, path, timeout=5):
        """(status, text) of its HTTP port."""
        address = wait_for(f"the address of {self.name}", self._address_or_end)
        try:
            with urllib.request.urlopen(f"http://{address}{path}", timeout=timeout) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def _address_or_end(self):
        if not self.alive:
            raise AssertionError(f"{self.name} ended with {self.process.poll()}: {self.tail()}")
        return self.address()

    def ready(self):
        status, text = self.get("/readyz")
        return status == 200 or [text.strip()]

    def wait_ready(self, timeout=40):
        wait_for(f"{self.name} to be ready", self.ready, timeout)
        return self

    def metrics(self):
        """{(name without prefix, ((label, value), …)): value}"""
        found = {}
        for line in self.get("/metrics")[1].splitlines():
            match = re.match(r"rollcall_(\w+?)(?:\{(.*)\})? (\S+)$", line)
            if match:
                labels = tuple(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match.group(2) or ""))
                found[match.group(1), labels] = float(match.group(3))
        return found

    def metric(self, name, **labels):
        """The sum of all values of that name that bear these labels."""
        wanted = set(labels.items())
        return sum(value for (other, of), value in self.metrics().items() if other == name and wanted <= set(of))


def run(program, arguments, timeout=60, environment=None):
    """Runs a command to its end; returns subprocess.CompletedProcess."""
    return subprocess.run([str(BIN / program), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=timeout, env={**os.environ, **(environment or {})}, check=False)
