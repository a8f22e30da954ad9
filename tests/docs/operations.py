#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""operations.py FOLDER: docs/operations.md explains every metric that the programs have and every alert of deploy/monitoring, and
none that is not there."""
import pathlib
import re
import sys

top = pathlib.Path(sys.argv[1])
page = (top / "docs/operations.md").read_text()
metrics = set(re.findall(r'"(tessera_\w+)"', (top / "src/service/metrics.cpp").read_text()))
alerts = set(re.findall(r"- alert: (\w+)", (top / "deploy/monitoring/alerts.yml").read_text()))
described = {cell for line in page.splitlines() if line.startswith("|") for cell in re.findall(r"`(tessera_\w+)`", line.split("|")[1])}
explained = set(re.findall(r"^\| `(Tessera\w+)` \|", page, re.MULTILINE))
if not metrics or not alerts or described != metrics or explained != alerts:
    sys.exit(f"missing: {sorted((metrics - described) | (alerts - explained))}, unknown: {sorted((described - metrics) | (explained - alerts))}")
print(f"{len(metrics)} metrics and {len(alerts)} alerts are explained.")
