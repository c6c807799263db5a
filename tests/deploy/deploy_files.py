"""The files of deploy/ that other programs read: alerts, dashboard, Kubernetes, systemd. Each is given to the tool that will read
it, and what they say about Rollcall is held against Rollcall: metrics and labels against common/metrics.h, links against
docs/operations.md, that page's tables against its sections and the producer's codes, configurations against the programs. Prints a line for each thing it proves; $RC_BIN is where the programs are."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import kubernetes_validate
import yaml

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("RC_BIN", ROOT / "build/bin"))
DEPLOY = ROOT / "deploy"
RULES = DEPLOY / "prometheus/rollcall.rules.yaml"
DASHBOARD = DEPLOY / "grafana/rollcall.json"
SECRETS = {name: "secret" for name in ("KOMBO_API_KEY", "KOMBO_WEBHOOK_SECRET", "LEARNAMP_CLIENT_ID", "LEARNAMP_CLIENT_SECRET", "ROLLCALL_API_TOKEN")}
failures = 0


def prove(what):
    if not failures:
        print(what)


def complain(what):
    global failures
    failures += 1
    print(f"error: {what}")


def run(what, *command, **more):
    """The output of a tool that must be content."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode != 0:
        complain(f"{what}: {done.stdout.strip()}")
    return done.stdout


def declared_metrics():
    """Every name that /metrics may show, and its labels."""
    metrics = {}
    declared = re.findall(r'X\(\w+, (\w+), \w+, "(\w+)",\s*\(([^)]*)\)', (ROOT / "common/metrics.h").read_text().replace("\\\n", " "))
    for kind, name, labels in declared:
        names = [f"rollcall_{name}"]
        own = set(re.findall(r'"(\w+)"', labels))
        if kind.startswith("HISTOGRAM"):
            names = [names[0] + end for end in ("_bucket", "_sum", "_count")]
            own.add("le")
        for one in names:
            metrics[one] = own
    return metrics


# What Prometheus itself adds to every series.
EVERYWHERE = {"job", "instance"}


def check_expressions(place, expressions, metrics):
    for expression in expressions:
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
        for name, selector in re.findall(r"\b(rollcall_\w+)(\{[^}]*\})?", bare):
            if name not in metrics:
                complain(f"{place}: {name} is no metric of common/metrics.h")
                continue
            for label in re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selector):
                if label not in metrics[name] | EVERYWHERE:
                    complain(f"{place}: {name} has no label {label}")
    return expressions


def anchors(page):
    """The headings of a page of Markdown, as the links to them are written."""
    headings = re.findall(r"^#+ +(.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def check_alerts(metrics, promtool):
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    check_expressions(RULES.name, [rule["expr"] for rule in rules], metrics)
    for rule in rules:
        name, annotations = rule["alert"], rule.get("annotations", {})
        if rule.get("labels", {}).get("severity") not in ("critical", "warning"):
            complain(f"{name}: severity is critical or warning")
        if not annotations.get("summary", "").endswith("."):
            complain(f"{name}: no sentence for people")
        page, _, anchor = annotations.get("runbook_url", "").partition("#")
        if not (ROOT / page).is_file() or anchor not in anchors(ROOT / page):
            complain(f"{name}: runbook_url leads nowhere: {page}#{anchor}")
    tests = ROOT / "tests/deploy/alerts_test.yaml"
    for name in {rule["alert"] for rule in rules} - set(re.findall(r"Rollcall\w+", tests.read_text())):
        complain(f"{name}: tests/deploy/alerts_test.yaml does not test it")
    series = [one["series"] for test in yaml.safe_load(tests.read_text())["tests"] for one in test["input_series"]]
    check_expressions(tests.name, series, metrics)
    run("promtool check rules", promtool, "check", "rules", RULES)
    run("promtool check config", promtool, "check", "config", DEPLOY / "prometheus/prometheus.yaml")
    run("promtool test rules", promtool, "test", "rules", tests)
    prove(f"{len(rules)} alerts fire on their symptoms and lead to the runbook")


def check_runbook():
    """Every section is found by its symptom, and every code of Kombo that the producer knows by its name."""
    index, *sections = (ROOT / "docs/operations.md").read_text().split("\n## ")
    for section in sections:
        link = re.sub(r"[^\w\- ]", "", section.splitlines()[0].lower()).replace(" ", "-")
        if f"(#{link})" not in index:
            complain(f"docs/operations.md: the table of symptoms does not lead to #{link}")
    codes = set(re.findall(r'\{"([A-Z]+\.[A-Z_]+)"', (ROOT / "producer/kombo/kombo_error.c").read_text()))
    named = set(re.findall(r"`([A-Z]+\.[A-Z_]+)`", "".join(sections)))
    for code in sorted(codes ^ named):
        complain(f"docs/operations.md: {code} is {'not explained' if code in codes else 'no code that producer/kombo/kombo_error.c knows'}")
    prove(f"{len(sections)} sections of the runbook are led to, and {len(codes)} codes of Kombo explained")


def check_dashboard(metrics, promtool, scratch):
    dashboard = json.loads(DASHBOARD.read_text())
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    check_expressions(DASHBOARD.name, expressions, metrics)
    check_expressions(DASHBOARD.name, [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"], metrics)
    rules = [{"record": f"panel:{i}", "expr": one.replace("$__rate_interval", "5m")} for i, one in enumerate(expressions)]
    file = scratch / "dashboard.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    run("the expressions of the dashboard", promtool, "check", "rules", file)
    prove(f"{len(expressions)} expressions of the dashboard ask for metrics that there are")


def check_kubernetes():
    documents = [one for one in yaml.safe_load_all(run("kubectl kustomize", "kubectl", "kustomize", DEPLOY / "kubernetes")) if one]
    for document in documents:
        what = f"{document['kind']} {document['metadata']['name']}"
        try:
            kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)
        except kubernetes_validate.ValidationError as error:
            complain(f"kubernetes: {what}: {error.message}")
    prove(f"{len(documents)} objects are what Kubernetes takes")


def check_configurations():
    for file in (DEPLOY / "kubernetes/rollcall.yaml", DEPLOY / "rollcall.example.yaml"):
        for program in ("rollcall-producer", "rollcall-consumer"):
            run(f"{program} reads {file.relative_to(ROOT)}", BIN / program, "config", "--config", file, env={**os.environ, **SECRETS})
    prove("the programs take the configurations")


def check_systemd(scratch):
    root = scratch / "root"
    units = root / "etc/systemd/system"
    units.mkdir(parents=True)
    # The units that ours name, as Debian has them.
    shutil.copytree("/lib/systemd/system", root / "usr/lib/systemd/system", symlinks=True)
    (root / "usr/local/bin").mkdir(parents=True)
    names = []
    for unit in sorted((DEPLOY / "systemd").glob("*.service")):
        names.append(unit.name)
        shutil.copy(unit, units)
        program = root / "usr/local/bin" / unit.stem
        program.touch(0o755)
    # Its exit code is 1 for what it says of units that are not ours, too.
    said = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", *names], stderr=subprocess.PIPE, text=True, check=False).stderr
    for line in said.splitlines():
        if "rollcall" in line:
            complain(f"systemd-analyze verify: {line}")
    for name in names:
        run(f"systemd-analyze security {name}", "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", units / name)
    prove(f"{len(names)} units are what systemd takes, and let go of what they need not")


def main():
    promtool = run("tests/support/promtool.sh", "bash", ROOT / "tests/support/promtool.sh").splitlines()[-1]
    metrics = declared_metrics()
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        check_alerts(metrics, promtool)
        check_runbook()
        check_dashboard(metrics, promtool, scratch)
        check_kubernetes()
        check_configurations()
        check_systemd(scratch)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
