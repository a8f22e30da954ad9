# SPDX-License-Identifier: Apache-2.0
"""What must hold of rendered documents beyond the API's schemas: that parts fit to each other and to the program."""
import re
import subprocess

PRE_STOP_S, REQUEST_S, END_S = 5, 10, 9  # of the chart, and of the programs (apps/service)


class Program:
    """What the programs take, by their own help."""

    def __init__(self, program):
        self.options, self.variables = {}, {}
        for command in ("gateway", "notifier", "node"):
            text = subprocess.run([program, command, "--help"], check=True, capture_output=True, text=True).stdout
            self.options[command] = set(re.findall(r"^ +(?:-\w,)?(--[a-z-]+)", text, re.MULTILINE))
            self.variables[command] = set(re.findall(r"\(Env:(TESSERA_\w+)\)", text))
            assert len(self.options[command]) > 10, text


class Documents:
    def __init__(self, name, documents):
        self.name, self.documents = name, documents

    def of(self, kind):
        return [document for document in self.documents if document["kind"] == kind]

    def named(self, kind, name):
        found = [document for document in self.of(kind) if document["metadata"]["name"] == name]
        assert len(found) == 1, f"{self.name}: {len(found)} of {kind} {name}"
        return found[0]

    def selected(self, labels):
        """The deployments whose pods have these labels."""
        return [deployment for deployment in self.of("Deployment")
                if labels.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()]

    def values(self, container):
        """The container's environment as far as the documents say it."""
        result = {}
        for variable in container["env"]:
            source = variable.get("valueFrom", {})
            if "value" in variable:
                result[variable["name"]] = variable["value"]
            elif "configMapKeyRef" in source:
                reference = source["configMapKeyRef"]
                result[variable["name"]] = self.named("ConfigMap", reference["name"])["data"][reference["key"]]
        return result


def option(container, name):
    found = [word.partition("=")[2] for word in container["args"] if word.startswith(f"{name}=")]
    return found[-1] if found else None


def check_pod(documents, deployment, program):
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    command, *words = container["args"]
    name = f"{documents.name}: {deployment['metadata']['name']}"

    # The restricted level of Kubernetes' Pod Security Standards, and a bit more.
    security = {**pod["securityContext"], **container["securityContext"]}
    assert security["runAsNonRoot"] and security["runAsUser"] > 0, name
    assert security["allowPrivilegeEscalation"] is False and security["readOnlyRootFilesystem"] is True, name
    assert security["capabilities"] == {"drop": ["ALL"]} and security["seccompProfile"] == {"type": "RuntimeDefault"}, name
    assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False, name
    allowed = {"emptyDir", "secret", "configMap", "persistentVolumeClaim"}
    assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"]), name
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod), name
    assert "memory" in container["resources"]["limits"] and "cpu" in container["resources"]["requests"], name

    # What the program is told.
    for word in words:
        assert word.partition("=")[0] in program.options[command], f"{name}: '{command}' has no option {word}"
    environment = [variable["name"] for variable in container["env"]]
    assert len(environment) == len(set(environment)), f"{name}: a variable stands there twice"
    for variable in environment:
        if variable.startswith("TESSERA_"):
            assert variable in program.variables[command], f"{name}: '{command}' does not know {variable}"
    for text in [*words, *documents.values(container).values()]:
        assert not re.search(r"://[^/]*:[^/]*@", text), f"{name}: a password stands in '{text}'"

    # Folders.
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts.values()) == set(volumes), f"{name}: volumes {set(volumes)}, mounts {set(mounts.values())}"
    for folder in filter(None, [option(container, "--spool"), option(container, "--scratch"), "/tmp"]):
        assert "emptyDir" in volumes[mounts[folder]], f"{name}: {folder} cannot be written to"
    items = {item["path"] for item in volumes[mounts["/run/secrets/tessera"]]["secret"]["items"]}
    files = re.findall(r"/run/secrets/tessera/([\w-]+)", " ".join([*words, *documents.values(container).values()]))
    assert set(files) == items, f"{name}: files {files} of the secret {items}"

    # Probes and the end.
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    listen = option(container, "--metrics-listen" if command == "node" else "--listen")
    assert listen == f"0.0.0.0:{next(iter(ports.values()))}", name
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] in ports, name
    needed = END_S + (float(documents.values(container)["TESSERA_DRAIN_LIMIT"]) if command == "node" else PRE_STOP_S + REQUEST_S)
    assert needed < pod["terminationGracePeriodSeconds"], f"{name}: it may need {needed} s to end"
    assert deployment["spec"]["selector"]["matchLabels"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items(), name


def check(documents, program):
    """All rules; returns the number of containers."""
    deployments = documents.of("Deployment")
    assert sorted(one["spec"]["template"]["spec"]["containers"][0]["name"] for one in deployments) == ["gateway", "node", "notifier"]
    for deployment in deployments:
        check_pod(documents, deployment, program)
    for service in documents.of("Service"):
        [deployment] = documents.selected(service["spec"]["selector"])
        ports = {port["name"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports, service
    for budget in documents.of("PodDisruptionBudget"):
        [deployment] = documents.selected(budget["spec"]["selector"]["matchLabels"])
        assert deployment["spec"].get("replicas", 2) != 1, f"{documents.name}: a budget that lets no machine be drained"
    policies = documents.of("NetworkPolicy")
    assert len(policies) in (0, 3)
    for policy in policies:
        [deployment] = documents.selected(policy["spec"]["podSelector"]["matchLabels"])
        ports = {port["name"] for port in deployment["spec"]["template"]["spec"]["containers"][0]["ports"]}
        for rule in policy["spec"]["ingress"]:
            assert {port["port"] for port in rule["ports"]} <= ports, policy
        assert set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"}, policy
    for ingress in documents.of("Ingress"):
        for path in ingress["spec"]["rules"][0]["http"]["paths"]:
            service = documents.named("Service", path["backend"]["service"]["name"])
            assert path["backend"]["service"]["port"]["name"] in {port["name"] for port in service["spec"]["ports"]}
            assert ("notifier" in service["metadata"]["name"]) == (path["path"] == "/v1/events"), path
    for scaled in documents.of("ScaledObject"):
        deployment = documents.named("Deployment", scaled["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in deployment["spec"], "KEDA and the Deployment both say how many there are"
        for trigger in scaled["spec"]["triggers"]:
            documents.named("TriggerAuthentication", trigger["authenticationRef"]["name"])
    return len(deployments)
