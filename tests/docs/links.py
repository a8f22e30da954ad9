#!/usr/bin/env python3
"""links.py: checks that relative links in the project's pages lead to files, and their fragments to headings."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)


def slug(heading):
    """As GitHub and mkdocs make them of plain headings."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", text))


def fragments(page):
    text = FENCE.sub("", page.read_text())
    return {slug(heading) for heading in HEADING.findall(text)}


def main():
    pages = subprocess.run(["git", "-C", ROOT, "ls-files", "*.md"], check=True, capture_output=True, text=True)
    problems = []
    checked = 0
    for name in pages.stdout.splitlines():
        page = ROOT / name
        text = CODE.sub("", FENCE.sub("", page.read_text()))
        for target in LINK.findall(text):
            if re.match(r"[a-z]+:", target):
                continue
            checked += 1
            path, _, fragment = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists():
                problems.append(f"{name}: {target} does not exist")
            elif fragment and file.suffix == ".md" and fragment not in fragments(file):
                problems.append(f"{name}: {target}: there is no such heading")
    nav = re.findall(r":\s+(\S+\.md)$", (ROOT / "mkdocs.yml").read_text(), re.MULTILINE)
    for page in (ROOT / "docs").glob("*.md"):
        if page.name not in nav:
            problems.append(f"docs/{page.name} is not in mkdocs.yml")
    problems += [f"mkdocs.yml: docs/{page} does not exist" for page in nav if not (ROOT / "docs" / page).exists()]
    print(*problems, sep="\n", end="\n" if problems else "")
    print(f"{checked} links, {len(problems)} problems")
    return 1 if problems or checked < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
