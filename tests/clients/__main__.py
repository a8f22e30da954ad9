"""Clients that are made of openapi.json, against a real server: TypeScript by openapi-typescript, with its strictest checks,
and Python by a loop over the operations. Both upload, submit, wait, download, and compare with `tessera apply`."""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(1, str(TOP / "tests/chaos"))  # the fixtures of the service

from openapi_client import Client, Problem  # noqa: E402
from processes import Process, free_port  # noqa: E402

PIPELINE = "gaussian-blur sigma=2 | otsu"
STRICT = {
    "compilerOptions": {
        "target": "es2022", "module": "nodenext", "moduleResolution": "nodenext", "lib": ["es2022", "dom", "dom.iterable"],
        "types": ["node"], "strict": True, "noUncheckedIndexedAccess": True, "exactOptionalPropertyTypes": True,
        "noImplicitReturns": True, "noUnusedLocals": True, "noUnusedParameters": True, "outDir": "made"},
    "files": ["journey.ts", "api.d.ts"]}


def run(*words, folder=None):
    subprocess.run([str(word) for word in words], check=True, cwd=folder)


def typescript(modules, folder, document, arguments):
    work = folder / "typescript"
    work.mkdir()
    (work / "node_modules").symlink_to(modules, target_is_directory=True)
    (work / "package.json").write_text('{"type": "module"}')
    (work / "tsconfig.json").write_text(json.dumps(STRICT))
    shutil.copy(TOP / "tests/clients/journey.ts", work)
    run("node", TOP / "tests/clients/validate.mjs", modules, document)
    run("node", modules / "openapi-typescript/bin/cli.js", document, "-o", work / "api.d.ts", "--alphabetize", folder=work)
    # What takes anything, or nothing, was not told.
    for line in (work / "api.d.ts").read_text().splitlines():
        assert "Record<string, never>" not in line or line.startswith("export type"), line
        assert "| unknown" not in line, line
    run("node", modules / "typescript/bin/tsc", "-p", work, folder=work)
    run("node", work / "made/journey.js", *arguments)


def python(document, server, token, image, expected):
    client = Client(document, server, token)
    assert sorted(client.getCaller()["scopes"]) == ["read", "submit"]
    place = client.createUpload({"content_type": "image/png"})
    put = place["upload"]
    urllib.request.urlopen(urllib.request.Request(put["url"], image.read_bytes(), put["headers"], method=put["method"]))
    submission = {"object": place["object"], "name": "photo.png", "pipeline": PIPELINE, "output": {"format": "png"}}
    batch = client.submit(submission, **{"Idempotency-Key": "generic-client"})
    assert client.submit(submission, **{"Idempotency-Key": "generic-client"})["id"] == batch["id"]
    job = batch["jobs"][0]
    while job["state"] not in ("done", "failed", "cancelled"):
        time.sleep(0.1)
        job = client.getJob(id=job["id"])
    assert job["state"] == "done", job
    assert client.getResult(id=job["id"]) == expected.read_bytes(), "the result differs"
    try:
        client.checkPipeline({"pipeline": "no-such-operator"})
        raise AssertionError("an unknown operator was taken")
    except Problem as problem:
        assert problem.type == "/problems/unknown-operator" and "no-such-operator" in str(problem), problem


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("program", type=pathlib.Path)
    options.add_argument("modules", type=pathlib.Path, help="what npm has installed")
    options.add_argument("image", type=pathlib.Path)
    options = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        expected = folder / "expected.png"
        run(options.program, "apply", PIPELINE, options.image, "-o", expected)
        port = free_port()
        serve = Process("serve", [options.program, "serve", "--data", folder / "data", "--listen", f"127.0.0.1:{port}"], {},
                        folder / "serve.log", port)
        serve.start()
        try:
            server = f"http://127.0.0.1:{port}"
            told = subprocess.run([options.program, "token", "--state", f"sqlite:///{folder / 'data' / 'state.db'}", "add", "alice",
                                   "--scope", "submit,read"], check=True, capture_output=True, text=True).stdout
            token = told.split()[-1]
            with urllib.request.urlopen(f"{server}/openapi.json") as answer:
                text = answer.read()
            document = folder / "openapi.json"
            document.write_bytes(text)
            typescript(options.modules, folder, document, [server, token, options.image, PIPELINE, expected])
            python(json.loads(text), server, token, options.image, expected)
        finally:
            serve.terminate(20)


main()
