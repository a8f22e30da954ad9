"""chaos: puts seeded faults into a running service and holds what its clients were promised against what came of it.

The schedule of faults is a function of the seed; what meets what is not, so a seed repeats the schedule, not every race.
Prints a row for each seed and writes them as Markdown; fails if a counter is not zero. Kinds of faults that this machine
does not allow are named with the reason and left out.
"""
import argparse
import pathlib
import sys
import tempfile

import check
import isolation
from cases import make_cases
from faults import KINDS
from machine import Machine
from processes import adopt_orphans
from seed import SYSTEMS, Seed


def table(rows):
    columns = list(rows[0])
    lines = ["| " + " | ".join(column.replace("_", " ") for column in columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(row[column]) for column in columns) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def report(rows, kinds, left_out):
    """Counters of each run, the sums of each scope, and how often each kind of fault was put in."""
    sums, counts = [], []
    for scope in dict.fromkeys(row["run"].rpartition("-")[0] for row in rows):
        of_scope = [row for row in rows if row["run"].rpartition("-")[0] == scope]
        sums.append({"scope": scope, "runs": len(of_scope)} | {
            column: sum(row[column] for row in of_scope) for column in of_scope[0] if column not in ("run", "settled_s")})
        counts.append({"scope": scope} | {kind: sum(kinds[row["run"]][kind] for row in of_scope) for kind in KINDS})
    parts = ["Sums:\n\n" + table(sums), "Faults by kind:\n\n" + table(counts), "Runs:\n\n" + table(rows)]
    if left_out:
        parts.append("Left out on this machine:\n\n" + "".join(f"- {kind}: {why}\n" for kind, why in left_out.items()))
    return "\n".join(parts)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("program", type=pathlib.Path, help="the tessera command")
    options.add_argument("--scope", choices=SYSTEMS, action="append", help="default: all")
    options.add_argument("--seeds", type=int, default=1, help="how many, from --first on")
    options.add_argument("--first", type=int, default=1)
    options.add_argument("--seconds", type=float, default=60, help="of faults, each seed")
    options.add_argument("--only", choices=KINDS, action="append", default=[], help="kinds of faults; default: all")
    options.add_argument("--report", type=pathlib.Path, help="a Markdown file for the tables")
    options.add_argument("--keep", action="store_true", help="keep the folders of runs in which nothing was found")
    chosen = options.parse_args()
    why_not_apart = isolation.enter()
    adopt_orphans()
    rows, kinds, bad = [], {}, False
    with tempfile.TemporaryDirectory(prefix="tessera-chaos-") as folder:
        machine = Machine(pathlib.Path(folder), why_not_apart)
        for kind, why in machine.left_out.items():
            print(f"left out: {kind}: {why}", flush=True)
        program = chosen.program.resolve()
        cases = make_cases(program, machine.folder)
        for scope in chosen.scope or SYSTEMS:
            if scope == "hosts" and "host" in machine.left_out:
                continue
            for number in range(chosen.first, chosen.first + chosen.seeds):
                seed = Seed(program, scope, number, cases, machine)
                row = seed.run(chosen.seconds, chosen.only, chosen.keep)
                rows.append(row)
                kinds[row["run"]] = seed.kinds
                print({name: value for name, value in row.items() if value or name not in check.COUNTERS}, flush=True)
                if any(row[counter] for counter in check.COUNTERS):
                    bad = True
                    print("faults: " + ", ".join(seed.faults))
                    print("\n".join("  " + detail for detail in seed.details[:40]), flush=True)
                if chosen.report:  # so that what was found is there if a later seed ends this program
                    chosen.report.write_text(report(rows, kinds, machine.left_out))
    sys.exit(1 if bad else 0)


main()
