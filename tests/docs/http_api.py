#!/usr/bin/env python3
"""http_api.py TESSERA PHOTOS PAGE: runs every command of a page about the HTTP API, block by block in one shell, in a folder with
a photograph. The page starts the server itself; it gets a free port. Each block must succeed, and what is named after -o must be
there."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORT_OF_PAGE = "127.0.0.1:8080"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def script_of(page):
    """The blocks as one program: each says its number before it runs, so that the last one is the one that failed."""
    blocks = BLOCK.findall(page.read_text())
    if not blocks:
        sys.exit(f"{page.name} has no commands.")
    script = ["set -euo pipefail"]
    for number, (language, text) in enumerate(blocks, 1):
        script.append(f"echo '== block {number} of {len(blocks)}' >&2")
        if language == "sh":
            # A reader that ends at the event it waits for ends the writer before it.
            script.append("set +o pipefail" if "/v1/events" in text else "set -o pipefail")
            script.append(text)
        else:
            script.append(f"python3 - <<'END_OF_BLOCK'\n{text}\nEND_OF_BLOCK")
    outputs = re.findall(r"-o (\S+\.\w+)", page.read_text())
    return "\n".join(script).replace(PORT_OF_PAGE, f"127.0.0.1:{free_port()}"), outputs, len(blocks)


def main():
    tessera, photos, page = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    script, outputs, count = script_of(page)
    with tempfile.TemporaryDirectory(prefix="tessera-http-api-") as folder:
        folder = pathlib.Path(folder)
        source = sorted(photos.glob("*.png"))[0]
        subprocess.run([tessera, "thumbnail", source, folder / "photo.jpg", "-s", "480", "--quiet"], check=True)
        environment = {
            **os.environ,
            "PATH": f"{tessera.parent}:{os.environ['PATH']}",
            "OMPI_ALLOW_RUN_AS_ROOT": "1",
            "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
            "XDG_STATE_HOME": str(folder / "state"),
            "XDG_CONFIG_HOME": str(folder / "config"),
        }
        with (folder / "log").open("w+") as log:
            shell = subprocess.Popen(["bash", "-c", script], cwd=folder, env=environment, stdout=log, stderr=log,
                                     start_new_session=True)
            try:
                code = shell.wait(timeout=480)
            except subprocess.TimeoutExpired:
                code = "no answer within 480 s"
            finally:
                try:
                    os.killpg(shell.pid, signal.SIGKILL)  # the server, which the page leaves running
                except ProcessLookupError:
                    pass
            if code != 0:
                log.seek(0)
                sys.exit(f"{page.name} ended with {code}:\n{log.read()[-6000:]}")
        for name in outputs:
            if not (folder / name).is_file() or (folder / name).stat().st_size == 0:
                sys.exit(f"{page.name} did not write {name}.")
    print(f"{count} blocks of {page.name} ran.")


main()
