"""The service as its clients use it: upload, submit, follow, download."""
from __future__ import annotations

import contextlib
import json
import os
import pathlib
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Union

from tessera._errors import InputOutputError, NotFoundError, UnavailableError, UsageError
from tessera._events import EventStream
from tessera._http import Http
from tessera._image import StrPath, _pipeline_of
from tessera._jobs import Batch, Job
from tessera._local_service import local_service_token
from tessera._parts import LARGE_BYTES, send_parts
from tessera._tessera import Pipeline

DEFAULT_URL = "http://127.0.0.1:8080"

BatchOrJob = Union[str, Batch, Job]
OnFraction = Callable[[float], object]


def id_of(batch_or_job: BatchOrJob) -> str:
    return batch_or_job if isinstance(batch_or_job, str) else batch_or_job.id


def path_of(identifier: str) -> str:
    kind = "batches" if identifier.startswith("batch_") else "jobs"
    return f"/v1/{kind}/{urllib.parse.quote(identifier, safe='')}"


def view_of(answer: dict[str, Any]) -> Batch | Job:
    return Batch(answer) if "jobs" in answer else Job(answer)


def paths_of(files: StrPath | Iterable[StrPath]) -> list[pathlib.Path]:
    if isinstance(files, (str, os.PathLike)):
        files = [files]
    paths = [pathlib.Path(file) for file in files]
    if not paths:
        raise UsageError("There are no files to submit.")
    for path in paths:
        if not path.is_file():
            raise NotFoundError(f"There is no file '{path}'.", str(path))
    return paths


class ProgressOfAll:
    """The mean of the jobs' fractions, never falling."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self.fractions = {job.id: 0.0 for job in jobs}

    def take(self, job: Job) -> float:
        if job.id in self.fractions:
            self.fractions[job.id] = max(self.fractions[job.id], job.fraction)
        return sum(self.fractions.values()) / len(self.fractions)


class Client:
    """A client of a Tessera service. Any number of threads may use it at once.

    `url`: of the service; without it, TESSERA_URL or TESSERA_SERVER in the environment, or http://127.0.0.1:8080. `token`:
    who asks; without it, TESSERA_TOKEN, or the token of a service that the same user runs on this machine. `ca_file`:
    certificates to trust, PEM. Everything raises Error, with the service's code and sentence.
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, ca_file: StrPath | None = None,
                 timeout_s: float = 60.0) -> None:
        """`timeout_s`: a connection on which nothing moves for so long is broken off."""
        environment = os.environ
        self.url = (url or environment.get("TESSERA_URL") or environment.get("TESSERA_SERVER") or DEFAULT_URL).rstrip("/")
        self._given_token = token or environment.get("TESSERA_TOKEN") or None
        trusted = os.fspath(ca_file) if ca_file is not None else environment.get("TESSERA_CA_FILE")
        self._http = Http(trusted or None, timeout_s)

    def __repr__(self) -> str:
        return f"<tessera.Client of {self.url}>"

    def submit(self, files: StrPath | Iterable[StrPath], pipeline: str | Pipeline, *, priority: str = "interactive",
               **output: Any) -> Batch:
        """Uploads images and has a pipeline applied to each.

        `priority`: "interactive" or "bulk". `output`: format="png", quality=90, strip="all", salvage=True, as for
        Image.save.
        """
        text = str(_pipeline_of(pipeline))
        paths = paths_of(files)
        # Before anything is sent that takes long.
        self._json("POST", "/v1/pipelines", {"pipeline": text, "output": output})
        items = [{"object": self.upload(path), "name": path.name} for path in paths]
        return self._submit(items, text, output, priority)

    def _submit(self, items: list[dict[str, str]], pipeline: str, output: dict[str, Any],
                priority: str) -> Batch:
        # The key lets the request be sent again when its answer was lost, without making the jobs twice.
        headers = {"Idempotency-Key": f"submit-{uuid.uuid4().hex}"}
        request = {"items": items, "pipeline": pipeline, "output": output, "priority": priority}
        return Batch(self._json("POST", "/v1/jobs", request, headers))

    def upload(self, file: StrPath) -> str:
        """Stores a file for jobs to work on; returns its object's name. A large file goes in parts, several at a time."""
        with open(file, "rb") as source:
            size_bytes = os.fstat(source.fileno()).st_size
            place = self._reserve(size_bytes)
            if "parts" in place:
                return send_parts(self._http, self._json, source, place)
            to = place["upload"]
            headers = {**to.get("headers", {}), "Content-Length": str(size_bytes)}

            def body() -> Any:
                source.seek(0)
                return source

            self._http.send(to["method"], to["url"], lambda: headers, body)
        return place["object"]

    def _reserve(self, size_bytes: int) -> Any:
        if size_bytes >= LARGE_BYTES:
            with contextlib.suppress(UsageError):  # version 0.1 of the service knows no sizes
                return self._json("POST", "/v1/uploads", {"size_bytes": size_bytes})
        return self._json("POST", "/v1/uploads", {})

    def status(self, batch_or_job: BatchOrJob) -> Any:
        """A Batch, or a Job, as of now."""
        return view_of(self._json("GET", path_of(id_of(batch_or_job))))

    def wait(self, batch_or_job: BatchOrJob, progress: OnFraction | None = None) -> Any:
        """Waits until all jobs have ended; returns the Batch or Job as of then.

        `progress` is called with the fraction done, 0 to 1. Jobs that failed have `error`; it is not raised.
        """
        now = self.status(batch_or_job)
        jobs = now.jobs if isinstance(now, Batch) else [now]
        fractions = ProgressOfAll(jobs)
        with self._stream(now, jobs, None) as events:
            for event in events:
                fraction = fractions.take(event.job)
                if progress is not None:
                    progress(fraction)
        return self.status(now)

    def cancel(self, batch_or_job: BatchOrJob) -> Any:
        """Cancels a job, or those of a batch that have not ended; returns the Batch or Job."""
        return view_of(self._json("DELETE", path_of(id_of(batch_or_job))))

    def retry(self, batch_or_job: BatchOrJob) -> Any:
        """Has a job, or those of a batch that failed or were cancelled, begin anew; returns the Batch or Job."""
        now = self.status(batch_or_job)
        for job in now.jobs if isinstance(now, Batch) else [now]:
            if job is now or job.state in ("failed", "cancelled"):
                self._json("POST", path_of(job.id) + "/retry")
        return self.status(now)

    def events(self, *, batch: str | Batch | None = None, job: str | Job | None = None,
               last_event_id: str | None = None) -> EventStream:
        """The changes of a batch's or a job's jobs, beginning with a "snapshot" of each; or of all the caller's jobs.

        Those of a batch or a job end by themselves when all jobs have ended, unless `last_event_id` names the event behind
        which they go on. Others go on until close(). When the connection breaks, the stream comes back without a gap.
        """
        if batch is not None and job is not None:
            raise UsageError("Events are those of a batch, of a job, or of all jobs: give 'batch' or 'job', not both.")
        of = batch if batch is not None else job
        if of is None or last_event_id is not None:
            return self._stream(of, None, last_event_id)
        now = of if not isinstance(of, str) else self.status(of)
        return self._stream(now, now.jobs if isinstance(now, Batch) else [now], None)

    def _stream(self, of: BatchOrJob | None, jobs: list[Job] | None, last_event_id: str | None) -> EventStream:
        url = f"{self.url}/v1/events"
        if of is not None:
            identifier = id_of(of)
            kind = "batch" if identifier.startswith("batch_") else "job"
            url += "?" + urllib.parse.urlencode({kind: identifier})
        open_jobs = None if jobs is None else {job.id for job in jobs}
        return EventStream(self._http, url, self._token, self._stream_token, last_event_id, open_jobs)

    def download(self, job: str | Job, path: StrPath = ".") -> pathlib.Path:
        """Writes the result of a job to a file, or into a folder under a free name like the one that the service suggests.

        Returns where. The file is there whole or not at all.
        """
        identifier, target = id_of(job), pathlib.Path(path)
        link = self._json("GET", path_of(identifier) + "/result?link=1")
        folder = target if target.is_dir() else target.parent
        partial = folder / f".{pathlib.PurePath(identifier).name}.part-{os.getpid()}-{uuid.uuid4().hex[:8]}"

        def take(parts: Iterator[bytes]) -> int:
            with open(partial, "wb") as sink:
                sink.writelines(parts)
                return sink.tell()

        try:
            size_bytes = self._http.send("GET", link["url"], dict, take=take)
            if size_bytes != link["size_bytes"]:
                raise InputOutputError(
                    f"The result has {link['size_bytes']} bytes, and only {size_bytes} came: try again.", identifier)
            if target.is_dir():
                return _link_to_free_name(partial, target, link["file_name"])
            os.replace(partial, target)
            return target
        finally:
            with contextlib.suppress(FileNotFoundError):
                partial.unlink()

    def _token(self) -> str | None:
        # Asked each time: the service may be started after this client.
        return self._given_token or local_service_token(self.url)

    def _stream_token(self) -> str:
        return self._json("POST", "/v1/stream-tokens")["token"]

    def _json(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        encoded = None if body is None else json.dumps(body).encode()

        def all_headers() -> dict[str, str]:
            token = self._token()
            return {**({"Authorization": f"Bearer {token}"} if token else {}),
                    **({"Content-Type": "application/json"} if encoded is not None else {}), **(headers or {})}

        answer = self._http.send(method, self.url + path, all_headers, lambda: encoded)
        try:
            return json.loads(answer) if answer else None
        except ValueError as error:
            raise UnavailableError(
                f"'{self.url}' does not answer in JSON. Is that a Tessera server?") from error


def _link_to_free_name(partial: pathlib.Path, folder: pathlib.Path, name: str) -> pathlib.Path:
    # A server must not choose where on this machine the file goes.
    plain = pathlib.PurePosixPath(pathlib.PurePosixPath(name).name or "result")
    count = 1
    while True:
        target = folder / (plain.name if count == 1 else f"{plain.stem} ({count}){plain.suffix}")
        try:
            # A link does not replace what another has made meanwhile, as renaming would.
            os.link(partial, target)
            return target
        except FileExistsError:
            count += 1
