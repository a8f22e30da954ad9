"""Jobs and batches of the service, as its answers describe them."""
from __future__ import annotations

import dataclasses
from typing import Any

from tessera._errors import Error, error_of, printable

FINAL_STATES = frozenset({"done", "failed", "cancelled"})


@dataclasses.dataclass(frozen=True)
class Job:
    """One image on its way through the service, as of one moment."""

    #: Everything that the service says of it.
    json: dict[str, Any]

    @property
    def id(self) -> str:
        return self.json["id"]

    @property
    def batch_id(self) -> str:
        """The batch with which it was submitted."""
        return self.json["batch"]

    @property
    def name(self) -> str:
        """That of the file."""
        return self.json.get("request", {}).get("name", "")

    @property
    def state(self) -> str:
        """queued, running, storing, done, failed or cancelled."""
        return self.json["state"]

    @property
    def ended(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def fraction(self) -> float:
        """How much of it is done, 0 to 1."""
        return 1.0 if self.ended else float(self.json.get("fraction", 0.0))

    @property
    def error(self) -> Error | None:
        """Why it failed, or was cancelled."""
        failure = self.json.get("failure")
        if isinstance(failure, dict):
            return error_of(failure.get("code", "internal"), printable(failure.get("sentence", "")), self.id)
        return error_of("cancelled", f"Job '{self.id}' was cancelled.", self.id) if self.state == "cancelled" else None

    @property
    def warnings(self) -> list[str]:
        """What was dropped or converted, once it is done."""
        return list((self.json.get("result") or {}).get("warnings", []))

    def __repr__(self) -> str:
        return f"<tessera.Job {self.id} {self.state} {self.fraction:.0%}>"


@dataclasses.dataclass(frozen=True)
class Batch:
    """The jobs of one submission, as of one moment."""

    #: Everything that the service says of it.
    json: dict[str, Any]

    @property
    def id(self) -> str:
        return self.json["id"]

    @property
    def state(self) -> str:
        """queued, running, done, failed (some jobs failed) or cancelled."""
        return self.json["state"]

    @property
    def ended(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def fraction(self) -> float:
        """The mean of its jobs', 0 to 1."""
        return float(self.json.get("fraction", 0.0))

    @property
    def jobs(self) -> list[Job]:
        """In the order of the submission."""
        return [Job(job) for job in self.json["jobs"]]

    def __repr__(self) -> str:
        return f"<tessera.Batch {self.id} {self.state} {self.fraction:.0%}, {len(self.json['jobs'])} jobs>"


@dataclasses.dataclass(frozen=True)
class Event:
    """A change of a job."""

    #: Where the log of events was; events(last_event_id=...) goes on behind it.
    id: str
    #: "snapshot" at the beginning, then "queued", "progress", "running", "done" and the like.
    type: str
    job: Job
