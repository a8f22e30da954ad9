# SPDX-License-Identifier: Apache-2.0
"""Checks the Helm chart and the kustomizations of deploy/kubernetes with helm, kubectl and the API's schemas, and runs the
programs as rendered pods would on real servers. No cluster is needed, and none is used."""
import argparse
import pathlib
import shutil
import tempfile

import rendering
import rules
import running


def main():
    parser = argparse.ArgumentParser(prog="tests/kubernetes", description=__doc__)
    parser.add_argument("program", type=pathlib.Path, help="the tessera program")
    parser.add_argument("tools", type=pathlib.Path, help="folder with helm, kubectl and node_modules (./run installs it)")
    arguments = parser.parse_args()
    program, tools = arguments.program.resolve(), rendering.Tools(arguments.tools.resolve())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="tessera-kubernetes-"))
    try:
        for name in ("rendered", "base", "strict"):
            (folder / name).mkdir()
        check(program, tools, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def check(program, tools, folder):
    sets = {**rendering.rendered_values(tools, folder / "rendered"), **rendering.rendered_overlays(tools, folder / "rendered")}
    rendering.check_base(tools, folder / "base")
    mistakes = rendering.check_validator(tools, tools.template(rendering.HERE / "values/minimal.yaml"), folder)
    refused = rendering.check_refusals(tools)
    known = rules.Program(program)
    documents = {name: rules.Documents(name, content) for name, content in sets.items()}
    containers = sum(rules.check(one, known) for one in documents.values())
    print(f"{sum(map(len, sets.values()))} documents of {len(sets)} sets are valid, {containers} containers fit the program; "
          f"{mistakes} mistakes were found, {refused} bad values refused.", flush=True)

    servers = running.Servers(folder)
    try:
        servers.start()
        store = f"s3://tessera?endpoint=http://127.0.0.1:{servers.s3.port}"
        for number, (name, settings) in enumerate({"minimal": [f"store={store}"], "full": [f"store={store}"], "folder": []}.items()):
            backends = {"queue": f"amqp://guest:guest@127.0.0.1:{servers.brokers.ports[0]}/?prefix=set{number}",
                        "state": f"redis://127.0.0.1:{servers.redis.port}/{number}"}
            if name == "minimal":  # the queues' names as they are without a prefix of their own
                backends["queue"] = backends["queue"].partition("?")[0]
            port = running.free_port()
            url = f"http://127.0.0.1:{port}"
            settings = [*settings, f"publicUrl={url}", f"notifierUrl={url if name == 'full' else ''}"]
            here = folder / name
            (here / "shared").mkdir(parents=True)
            one = rules.Documents(name, tools.documents(tools.template(rendering.HERE / f"values/{name}.yaml", settings), name, here))
            seconds = running.run(one, program, here, backends, port, url, here / "shared")
            print(f"{name}: all pods became ready, a job was done through the ingress, and they ended in "
                  + ", ".join(f"{pod} {time:.1f} s" for pod, time in seconds.items()), flush=True)
            if name == "minimal":
                running.check_strictness(program, one, folder / "strict", backends)
        queues = {trigger["metadata"]["queueName"] for one in documents.values() for scaled in one.of("ScaledObject")
                  for trigger in scaled["spec"]["triggers"]}
        assert queues and queues <= servers.queues(), f"KEDA watches {queues}; the broker has {servers.queues()}"
    finally:
        servers.stop()


main()
