"""Every command line that a page or a message of the programs shows is one that they take: command and options are there.
$RC_BIN is where the programs are."""

import os
import re
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(os.environ.get("RC_BIN", ROOT / "build/bin"))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")), ROOT / "deploy/README.md",
         *sorted(ROOT.glob("deploy/**/*.yaml")), *sorted(ROOT.glob("deploy/systemd/*.service"))]
SOURCES = [path for folder in ("common", "producer", "consumer") for kind in ("c", "js", "html") for path in sorted(ROOT.glob(f"{folder}/**/*.{kind}"))]


@lru_cache(None)
def help_of(program, *command):
    return subprocess.run([BIN / program, *command, "--help"], stdout=subprocess.PIPE, text=True, check=True).stdout


@lru_cache(None)
def commands_of(program):
    listed = help_of(program).split("Commands:\n")[1].split("\n\n")[0]
    return {re.split(r"\s{2,}", line.strip())[0] for line in listed.splitlines()}


@lru_cache(None)
def options_of(program, command):
    return set(re.findall(r"^ +(--[a-z-]+)", help_of(program, *command.split()), re.MULTILINE))


def problems_of(program, words):
    plain = []
    for word in words:
        if not re.fullmatch(r"[a-z]+", word):
            break
        plain.append(word)
    known = [" ".join(plain[:length]) for length in (2, 1) if " ".join(plain[:length]) in commands_of(program)]
    if not plain or not known:
        # Nothing but options: those of every command.
        return [f"there is no command {' '.join(plain)}"] if plain else []
    # "--integration ID|…": what stands behind an option is its value.
    given = {word.split("=")[0] for word in words if word.startswith("--")}
    return [f"{known[0]} has no option {option}" for option in sorted(given - options_of(program, known[0]) - {"--help", "--version", "--config"})]


def command_lines(text, is_source):
    """(number of the line, program, words) of every one, shell lists cut apart."""
    for number, line in enumerate(text.splitlines(), 1):
        for found in re.finditer(r"rollcall-(producer|consumer)((?: +[^\s`|&;#<>)\]]+)+)", line):
            # In prose only what stands between backticks is a command line.
            code = line[:found.start()].count("`") % 2 or (
                not is_source and (line.startswith("    ") or not re.match(r"[A-Z|\-*(\[]", line.lstrip())))
            words = [re.split(r"[\\\"'%]", word)[0].rstrip(",.:") for word in found.group(2).split()]
            if code and words:
                yield number, f"rollcall-{found.group(1)}", words


def main():
    failed = seen = 0
    for page in PAGES + SOURCES:
        text = page.read_text()
        if page in SOURCES:
            text = re.sub(r'"\s*\n\s*"', "", text)  # one text on two lines
        for number, program, words in command_lines(text, page in SOURCES):
            seen += 1
            for problem in problems_of(program, words):
                at = page.relative_to(ROOT) if page in SOURCES else f"{page.relative_to(ROOT)}:{number}"
                print(f"{at}: error: {program}: {problem}")
                failed += 1
    if not failed:
        print(f"{seen} command lines are what the programs take")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
