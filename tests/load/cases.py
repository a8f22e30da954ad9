"""The images that are submitted, what is asked of them, and what must come of it."""
import concurrent.futures
import dataclasses
import hashlib
import random
import subprocess

PHOTOGRAPHS = ("parrots", "statue", "window")


@dataclasses.dataclass
class Case:
    name: str
    size_class: str
    pipeline: str
    format: str
    weight: float
    content: bytes = b""
    result_digest: bytes = b""  # SHA-256 of what `tessera apply` writes
    result_bytes: int = 0


def make_cases(program, photographs_folder, folder, big_width_px):
    """Thumbnails, photographs and some big images, made by the command itself."""
    sizes = [("thumbnail", 160, "jpg", 70, ("invert", "grayscale | otsu", "resize width=64 | unsharp-mask")),
             ("photograph", 768, "png", 14, ("gaussian-blur sigma=2 | unsharp-mask", "canny", "resize width=400")),
             ("photograph", 1500, "jpg", 14, ("resize width=800", "median size=3", "gaussian-blur sigma=2")),
             ("big", big_width_px, "jpg", 2, ("resize width=2000", "grayscale | otsu", "gaussian-blur sigma=5"))]
    formats = {"invert": "png", "grayscale | otsu": "png", "canny": "png"}
    cases, commands = [], []
    for size_class, width_px, extension, weight, pipelines in sizes:
        for photograph, pipeline in zip(PHOTOGRAPHS, pipelines):
            name = f"{photograph}-{width_px}.{extension}"
            case = Case(name, size_class, pipeline, formats.get(pipeline, "jpg"), weight / len(pipelines))
            cases.append(case)
            commands.append((case, photographs_folder / f"{photograph}.png", width_px))

    def make(case, photograph, width_px):
        source, result = folder / case.name, folder / f"result-{case.name}.{case.format}"
        for pipeline, read, write in ((f"resize width={width_px}", photograph, source),
                                      (case.pipeline, source, result)):
            subprocess.run([program, "apply", pipeline, read, "-o", write, "--quiet"], check=True)
        case.content = source.read_bytes()
        case.result_digest = hashlib.sha256(result.read_bytes()).digest()
        case.result_bytes = result.stat().st_size

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(make, *command) for command in commands]:
            done.result()
    return cases


@dataclasses.dataclass
class Phase:
    """A part of the run in which jobs arrive at one rate."""
    name: str
    rate_per_s: float
    seconds: float
    begin_s: float = 0

    @property
    def end_s(self):
        return self.begin_s + self.seconds


def arrivals(phases, cases, submitters, seed):
    """(seconds from the start, phase, submitter, case) of every job: a Poisson process for each phase, by the seed."""
    chosen, begin_s, result = random.Random(seed), 0.0, []
    weights = [case.weight for case in cases]
    for phase in phases:
        phase.begin_s = begin_s
        time_s = begin_s + chosen.expovariate(phase.rate_per_s)
        while time_s < phase.end_s:
            result.append((time_s, phase, chosen.randrange(submitters), chosen.choices(cases, weights)[0]))
            time_s += chosen.expovariate(phase.rate_per_s)
        begin_s = phase.end_s
    return result
