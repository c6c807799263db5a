"""A real browser: Debian's Chromium, driven by playwright-core through tests/support/browser/bridge.mjs."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from rollcall.process import ROOT
from rollcall.waiting import PATIENCE

SUPPORT = ROOT / "tests/support"
# Where screenshots go: beside the logs of tests/run.sh, if it runs us.
PICTURES = Path(os.environ.get("RC_PICTURES", ROOT / "build/test-logs/page"))


class Browser:
    """One window. run() gives a piece of JavaScript to playwright; what it returns comes back."""

    def __init__(self):
        self.process = None

    def start(self):
        assert shutil.which("chromium"), "chromium is not there; run deploy/install.sh test"
        modules = subprocess.run([str(SUPPORT / "node.sh"), str(SUPPORT / "browser")], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout.strip()
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.process = subprocess.Popen(
            ["node", str(SUPPORT / "browser/bridge.mjs")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, start_new_session=True,
            env={**os.environ, "MODULES": modules, "PATIENCE_MS": str(int(15000 * PATIENCE))})
        return self

    def run(self, code, arg=None):
        self.process.stdin.write(json.dumps({"code": code, "arg": arg}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{code.strip()}\n{answer.get('error')}"
        return answer["value"]

    def picture(self, name):
        self.run("await page.screenshot({ path: arg, fullPage: true })", str(PICTURES / f"{name}.png"))

    def complaints(self):
        """What the browser complained of since the last time; failed requests are the server's to judge."""
        found = self.run("const found = globalThis.complaints; globalThis.complaints = []; return found")
        return [text for text in found if "Failed to load resource" not in text]

    def violations(self):
        """What axe-core finds wrong for people who see little, or nothing, or use no mouse."""
        return self.run("""await page.evaluate(axe);
            const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
            return found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + (n.any[0] ? n.any[0].message : '')).join('; ')}`)""")

    def stop(self):
        if not self.process:
            return
        self.process.stdin.close()
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None
