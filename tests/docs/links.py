#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""links.py FOLDER: every link of the Markdown files there leads to a file that exists, and to a heading that it has, and every
page of docs/ is in the navigation of mkdocs.yml. Links to the Web are not followed."""
import pathlib
import re
import subprocess
import sys
import tempfile

LINK = re.compile(r"\[[^\]\n]*\]\(<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def anchors(text):
    """The names of headings, as GitHub makes them."""
    found = {}
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        name = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found[name] = found.get(name, -1) + 1
    return {name if number == 0 else f"{name}-{number}" for name, last in found.items() for number in range(last + 1)}


def broken(top, pages):
    """(page, link, reason) of each link that leads nowhere, and the number of all links."""
    bad, count = [], 0
    for page in pages:
        for link in LINK.findall(CODE.sub("", page.read_text())):
            if re.match(r"[a-z]+:", link):
                continue
            count += 1
            name, _, anchor = link.partition("#")
            target = (page.parent / name).resolve() if name else page
            if not target.exists():
                bad.append((page.relative_to(top), link, "there is no such file"))
            elif anchor and target.suffix == ".md" and anchor not in anchors(target.read_text()):
                bad.append((page.relative_to(top), link, "there is no such heading"))
    return bad, count


def check_itself(folder):
    """That the checks find what they should."""
    page = folder / "page.md"
    page.write_text("# One `two`\n[a](page.md#one-two) [b](page.md#three) [c](none.md) `[d](none.md)` [e](https://example.org/x)\n")
    bad, count = broken(folder, [page])
    assert count == 3 and [link for _, link, _ in bad] == ["page.md#three", "none.md"], bad


def navigation_problems(top):
    listed = re.findall(r":\s+(\S+\.md)$", (top / "mkdocs.yml").read_text(), re.MULTILINE)
    there = {page.name for page in (top / "docs").glob("*.md")}
    return [(pathlib.Path("mkdocs.yml"), page, "it is not listed") for page in sorted(there - set(listed))] + \
        [(pathlib.Path("mkdocs.yml"), page, "there is no such file") for page in listed if page not in there]


def main():
    with tempfile.TemporaryDirectory() as folder:
        check_itself(pathlib.Path(folder).resolve())
    top = pathlib.Path(sys.argv[1]).resolve()
    names = subprocess.run(["git", "-c", "safe.directory=*", "-C", top, "ls-files", "-co", "--exclude-standard", "*.md"], check=True,
                           capture_output=True, text=True).stdout.split()
    bad, count = broken(top, [top / name for name in names if (top / name).exists()])
    bad += navigation_problems(top)
    for page, link, reason in bad:
        print(f"{page}: {link}: {reason}", file=sys.stderr)
    print(f"{count} links of {len(names)} pages were followed.")
    sys.exit(1 if bad or count == 0 else 0)


main()
