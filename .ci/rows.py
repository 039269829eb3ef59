"""Lists the rows of the contract with and without a test.

A test names the rows it proves in a comment: `row: D12` or `row: D12, I1`.
With --check only unknown row names are reported, as an error.
"""

import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTRACTS = ["docs/capabilities.md", "docs/reliability.md"]
RUNNERS = [".ci/conformance", ".ci/run"]
SOURCES = (".rs", ".ts", ".tsx", ".mjs", ".py")
ROW = re.compile(r"^\| \*{0,2}([A-Z]{1,2}-?\d+)\*{0,2}(?: ([^|]*?))? \| (?:T\d[^|]*\| )?([^|]*)")
NAMED = re.compile(r"\brow: ((?:[A-Z]{1,2}-?\d+(?:, *)?)+)")


def contract():
    """Every row: id -> what it is about, in the order of the documents."""
    rows = {}
    for name in CONTRACTS:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if found := ROW.match(line):
                identifier, short, capability = found.groups()
                rows.setdefault(identifier, (short or capability).strip())
    return rows


def tests():
    """Where each row is named: id -> files."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )
    named = collections.defaultdict(list)
    for name in listed.stdout.splitlines():
        path = ROOT / name
        known = name.endswith(SOURCES) and not name.startswith(".ci/")
        if not (known or name in RUNNERS) or not path.is_file():
            continue
        for found in NAMED.finditer(path.read_text(encoding="utf-8", errors="replace")):
            for identifier in re.split(r", *", found.group(1).strip(", ")):
                named[identifier].append(name)
    return named


def main():
    rows, named = contract(), tests()
    unknown = sorted(set(named) - set(rows))
    for identifier in unknown:
        print(f"unknown row {identifier} in {named[identifier][0]}", file=sys.stderr)
    if "--check" not in sys.argv:
        done = [row for row in rows if row in named]
        still_open = [row for row in rows if row not in named]
        print(f"{len(done)} rows with a test")
        for row in done:
            files = sorted(set(named[row]))
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            print(f"  {row:5} {len(named[row]):3} tests  {rows[row][:48]:48}  {files[0]}{more}")
        print(f"\n{len(still_open)} rows without a test")
        for row in still_open:
            print(f"  {row:5} {rows[row][:80]}")
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
