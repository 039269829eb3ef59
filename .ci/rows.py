"""Lists the rows of the contract: done, done in part, open.

A test names the rows it proves in a comment: `row: D12` or `row: D12, I1`. What of such a row is still to come stands
in docs/open.tsv, clause by clause and in the row's own words: row, clause, why. A clause that is built leaves the list
in the commit that builds it. A row that no test names is open.

With --check nothing is listed; unknown rows and clauses that no row contains are errors.
"""

import collections
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONTRACTS = ["docs/capabilities.md", "docs/reliability.md"]
OPEN = "docs/open.tsv"
RUNNERS = [".ci/conformance", ".ci/mutants", ".ci/run"]
SOURCES = (".rs", ".ts", ".tsx", ".mjs", ".py")
ROW = re.compile(r"^\| \*{0,2}([A-Z]{1,2}-?\d+)\*{0,2}(?: ([^|]*?))? \| (?:T\d[^|]*\| )?([^|]*)")
NAMED = re.compile(r"\brow: ((?:[A-Z]{1,2}-?\d+(?:, *)?)+)")


def contract():
    """Every row, in the order of the documents: id -> what it is about, and all that is said of it."""
    rows = {}
    for name in CONTRACTS:
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if found := ROW.match(line):
                identifier, short, capability = found.groups()
                what, before = rows.get(identifier, ((short or capability).strip(), ""))
                rows[identifier] = (what, before + line)
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


def open_clauses():
    """What is still to come of a row that tests name: id -> (clause, why)."""
    clauses = collections.defaultdict(list)
    for line in (ROOT / OPEN).read_text(encoding="utf-8").splitlines():
        identifier, clause, why = line.split("\t")
        clauses[identifier].append((clause, why))
    return clauses


def faults(rows, named, clauses):
    """What the tests or the list of open clauses say that the contract does not, in words."""
    for identifier in sorted(set(named) - set(rows)):
        yield f"{named[identifier][0]}: there is no row {identifier}"
    for identifier, listed in clauses.items():
        _, line = rows.get(identifier, ("", ""))
        for clause, _ in listed:
            if clause not in line:
                yield f"{OPEN}: row {identifier} does not say “{clause}”"
        if identifier not in named:
            yield f"{OPEN}: no test names row {identifier}, so all of it is open"


def main():
    rows, named, clauses = contract(), tests(), open_clauses()
    wrong = list(faults(rows, named, clauses))
    for fault in wrong:
        print(fault, file=sys.stderr)
    if "--check" not in sys.argv:
        done = [row for row in rows if row in named and row not in clauses]
        part = [row for row in rows if row in named and row in clauses]
        still_open = [row for row in rows if row not in named]
        print(f"{len(done)} rows done")
        for row in done:
            files = sorted(set(named[row]))
            more = f" and {len(files) - 1} more" if len(files) > 1 else ""
            print(f"  {row:5} {len(named[row]):3} tests  {rows[row][0][:48]:48}  {files[0]}{more}")
        print(f"\n{len(part)} rows done in part, and what of them is open")
        for row in part:
            print(f"  {row:5} {len(named[row]):3} tests  {rows[row][0][:48]}")
            for clause, why in clauses[row]:
                print(f"          {clause}  ({why})")
        print(f"\n{len(still_open)} rows open")
        for row in still_open:
            print(f"  {row:5} {rows[row][0][:80]}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
