# SPDX-License-Identifier: Apache-2.0
"""What the chart and the kustomizations render, and whether helm and the API's schemas take it."""
import filecmp
import json
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
DEPLOY = TOP / "deploy/kubernetes"
CHART = DEPLOY / "chart"
OVERLAYS = ("small", "scaled", "google")

# Values that the chart must refuse, each with a word of the reason.
REFUSED = {
    "nothing": ([], "publicUrl"),
    "an unknown value": (["node.rank=2"], "rank"),
    "a URL with a path": (["publicUrl=https://a.example/b"], "publicUrl"),
    "a store of an unknown kind": (["store=ftp://a"], "store"),
    "no ranks": (["node.ranks=0"], "ranks"),
    "a text for a number": (["keda.maxReplicas=many"], "maxReplicas"),
    "an ingress without a host": (["ingress.enabled=true"], "host"),
    "an option with its dashes": (["gateway.options.--max-queued=1"], "max-queued"),
}


class Tools:
    def __init__(self, folder):
        self.helm, self.kubectl, self.modules = folder / "helm", folder / "kubectl", folder / "node_modules"

    def template(self, values, settings=()):
        """The chart as YAML with a file of values and settings NAME=VALUE."""
        words = [word for setting in settings for word in ("--set-string", setting)]
        return subprocess.run([self.helm, "template", "tessera", CHART, "--namespace", "images", "-f", values, *words],
                              check=True, capture_output=True, text=True).stdout

    def documents(self, yaml, name, folder):
        """The documents of a YAML text, after the schemas have taken them."""
        file = folder / f"{name}.yaml"
        file.write_text(yaml)
        done = self.validate(file)
        if done.returncode != 0:
            raise AssertionError(f"{name}:\n{done.stderr}")
        return json.loads(done.stdout)

    def validate(self, file):
        return subprocess.run(["node", HERE / "validate.mjs", self.modules, file], capture_output=True, text=True)


def check_validator(tools, yaml, folder):
    """The checks of schemas themselves: each of these mistakes must be found."""
    mistakes = {
        "a misspelt field": ("readOnlyRootFilesystem:", "readOnlyRootFileSystem:"),
        "a field in the wrong place": ("      terminationGracePeriodSeconds:", "    terminationGracePeriodSeconds:"),
        "a text for a number": ("replicas: 2", "replicas: two"),
        "a value that is not in the list": ("type: RollingUpdate", "type: Rolling"),
        "an unknown kind": ("kind: Deployment", "kind: Deploymant"),
        "a version that is gone": ("policy/v1\n", "policy/v2\n"),
    }
    for what, (right, wrong) in mistakes.items():
        assert right in yaml, f"'{right}' is nowhere in what is rendered"
        file = folder / "mistake.yaml"
        file.write_text(yaml.replace(right, wrong))
        assert tools.validate(file).returncode == 1, f"{what} was not found"
    return len(mistakes)


def check_refusals(tools):
    required = ["publicUrl=https://a.example", "store=s3://a", "secret.name=a"]
    for what, (settings, reason) in REFUSED.items():
        words = []
        for setting in [*(required if settings else []), *settings]:
            # Numbers and switches are not texts.
            words += ["--set" if setting.endswith(("=0", "=2", "=true")) else "--set-string", setting]
        done = subprocess.run([tools.helm, "template", "tessera", CHART, *words], capture_output=True, text=True)
        assert done.returncode != 0, f"the chart takes {what}"
        assert reason in done.stderr, f"{what}: {done.stderr}"
    return len(REFUSED)


def rendered_values(tools, folder):
    """The documents of every file of values, by its name."""
    result = {}
    for values in sorted((HERE / "values").glob("*.yaml")):
        subprocess.run([tools.helm, "lint", "--strict", "--quiet", CHART, "-f", values], check=True)
        result[values.stem] = tools.documents(tools.template(values), values.stem, folder)
    return result


def rendered_overlays(tools, folder):
    result = {}
    for overlay in OVERLAYS:
        yaml = subprocess.run([tools.kubectl, "kustomize", DEPLOY / "kustomize/overlays" / overlay], check=True,
                              capture_output=True, text=True).stdout
        result[f"overlay {overlay}"] = tools.documents(yaml, f"overlay-{overlay}", folder)
    return result


def check_base(tools, folder):
    """Kustomize's base is what the chart renders today."""
    subprocess.run([DEPLOY / "render", tools.helm, folder], check=True)
    for file in folder.rglob("*.yaml"):
        there = DEPLOY / "kustomize" / file.relative_to(folder)
        assert there.exists() and filecmp.cmp(file, there, shallow=False), \
            f"{there} is not what the chart renders: deploy/kubernetes/render HELM deploy/kubernetes/kustomize"
