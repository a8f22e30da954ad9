"""Ends 'tessera serve' at each named failpoint once, starts it again, and checks what its clients were promised.

usage: python3 tests/failpoints PROGRAM [NAME...]
"""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chaos"))

from scenarios import SCENARIOS  # noqa: E402
from service import Service, declared_failpoints, documented_failpoints  # noqa: E402
from processes import adopt_orphans  # noqa: E402


def main():
    program, wanted = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:]
    declared = [name for name, _, _ in declared_failpoints()]
    unknown = set(wanted) - set(declared)
    if unknown:
        sys.exit(f"There is no failpoint {sorted(unknown)}; there are: {', '.join(declared)}.")
    problems = []
    if declared_failpoints() != documented_failpoints():
        problems.append("docs/failpoints.md does not list the failpoints as src/ports/failpoint.hpp does")
    if set(declared) != set(SCENARIOS):
        problems.append(f"failpoints without a scenario or the reverse: {sorted(set(declared) ^ set(SCENARIOS))}")
    print("\n".join(problems))
    adopt_orphans()
    for name in wanted or declared:
        with tempfile.TemporaryDirectory(prefix="tessera-failpoint-") as folder:
            service = Service(program, pathlib.Path(folder))
            try:
                SCENARIOS[name](service, name)
                found = service.problems()
            except Exception as error:  # a scenario that breaks is a finding about this failpoint
                found = [f"{type(error).__name__}: {error}"]
            finally:
                service.end()
            print(f"{name}: {'as promised' if not found else '; '.join(found)}", flush=True)
            if found:
                print((pathlib.Path(folder) / "serve.log").read_text()[-4000:], flush=True)
            problems += found
    sys.exit(1 if problems else 0)


main()
