"""The service's client for asyncio: the same calls as coroutines, and events as an asynchronous generator."""
from __future__ import annotations

import asyncio
import pathlib
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tessera._client import BatchOrJob, Client, OnFraction, ProgressOfAll, paths_of
from tessera._events import EventStream
from tessera._image import StrPath, _pipeline_of
from tessera._jobs import Batch, Event, Job
from tessera._tessera import Pipeline

#: Requests at a time.
_THREADS = 8


class AsyncClient:
    """A client of a Tessera service for asyncio. The arguments are Client's.

    Requests run on threads of the client's own. Use it with `async with`, or call close().
    """

    def __init__(self, url: str | None = None, token: str | None = None, *, ca_file: StrPath | None = None,
                 timeout_s: float = 60.0) -> None:
        self._client = Client(url, token, ca_file=ca_file, timeout_s=timeout_s)
        self._threads = ThreadPoolExecutor(_THREADS, "tessera-client")

    @property
    def url(self) -> str:
        return self._client.url

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the client's threads once their requests are done."""
        self._threads.shutdown(wait=False)

    def __repr__(self) -> str:
        return f"<tessera.AsyncClient of {self.url}>"

    async def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def submit(self, files: StrPath | Iterable[StrPath], pipeline: str | Pipeline, *,
                     priority: str = "interactive", **output: Any) -> Batch:
        """As Client.submit; files are uploaded side by side."""
        text = str(_pipeline_of(pipeline))
        paths = paths_of(files)
        await self._call(self._client._json, "POST", "/v1/pipelines", {"pipeline": text, "output": output})
        objects = await asyncio.gather(*(self.upload(path) for path in paths))
        items = [{"object": name, "name": path.name} for name, path in zip(objects, paths)]
        return await self._call(self._client._submit, items, text, output, priority)

    async def upload(self, file: StrPath) -> str:
        """As Client.upload."""
        return await self._call(self._client.upload, file)

    async def status(self, batch_or_job: BatchOrJob) -> Any:
        """As Client.status."""
        return await self._call(self._client.status, batch_or_job)

    async def wait(self, batch_or_job: BatchOrJob, progress: OnFraction | None = None) -> Any:
        """As Client.wait."""
        now = await self.status(batch_or_job)
        jobs = now.jobs if isinstance(now, Batch) else [now]
        fractions = ProgressOfAll(jobs)
        events = self._iterate(await self._call(self._client._stream, now, jobs, None))
        try:
            async for event in events:
                fraction = fractions.take(event.job)
                if progress is not None:
                    progress(fraction)
        finally:
            await events.aclose()
        return await self.status(now)

    async def cancel(self, batch_or_job: BatchOrJob) -> Any:
        """As Client.cancel."""
        return await self._call(self._client.cancel, batch_or_job)

    async def retry(self, batch_or_job: BatchOrJob) -> Any:
        """As Client.retry."""
        return await self._call(self._client.retry, batch_or_job)

    async def download(self, job: str | Job, path: StrPath = ".") -> pathlib.Path:
        """As Client.download."""
        return await self._call(self._client.download, job, path)

    async def events(self, *, batch: str | Batch | None = None, job: str | Job | None = None,
                     last_event_id: str | None = None) -> AsyncIterator[Event]:
        """As Client.events, an asynchronous generator."""

        def open_stream() -> EventStream:
            return self._client.events(batch=batch, job=job, last_event_id=last_event_id)

        events = self._iterate(await self._call(open_stream))
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    async def _iterate(self, stream: EventStream) -> Any:
        # A thread of its own: a stream waits for long, and requests must not wait for it.
        thread = ThreadPoolExecutor(1, "tessera-events")
        loop = asyncio.get_running_loop()
        try:
            while (event := await loop.run_in_executor(thread, next, stream, None)) is not None:
                yield event
        finally:
            stream.close()
            thread.shutdown(wait=False)
