"""The client for asyncio against a real 'tessera serve'."""
import asyncio
import time

import pytest

import tessera

SMALL = "resize width=64"


def run(work, service):
    async def within():
        async with tessera.AsyncClient(service.url) as client:
            return await asyncio.wait_for(work(client), 120)

    return asyncio.run(within())


def test_a_submission_gives_the_bytes_of_the_command(as_its_user, photo, tmp_path, command):
    async def work(client):
        batch = await client.submit([photo] * 3, "median size=5 | otsu", format="png")
        fractions = []
        done = await client.wait(batch, fractions.append)
        assert fractions == sorted(fractions) and fractions[-1] == 1
        assert (await client.status(batch)).state == done.state == "done"
        return await asyncio.gather(*(client.download(job, tmp_path) for job in done.jobs))

    files = run(work, as_its_user)
    assert len(set(files)) == 3
    for file in files:
        assert file.read_bytes() == command("median size=5 | otsu", photo)


def test_events_are_an_asynchronous_generator(as_its_user, photo):
    async def work(client):
        batch = await client.submit(photo, SMALL)
        return batch, [event async for event in client.events(batch=batch)]

    batch, events = run(work, as_its_user)
    assert events[0].type == "snapshot"
    assert events[-1].job.state == "done" and events[-1].job.batch_id == batch.id


def test_many_streams_do_not_stop_requests(as_its_user, photo):
    """More streams than the client has threads for requests."""

    async def work(client):
        opened = asyncio.Semaphore(0)

        async def first_end():
            async for event in client.events(last_event_id=start):
                opened.release()
                if event.job.ended:
                    return event.job.batch_id

        with tessera.Client(client.url).events() as events:
            before = await client.submit(photo, SMALL)
            await asyncio.to_thread(next, events)
            start = events.last_event_id
        followers = [asyncio.create_task(first_end()) for _ in range(20)]
        await client.wait(before)
        return before.id, await asyncio.gather(*followers)

    batch, ends = run(work, as_its_user)
    assert ends == [batch] * 20


def test_waiting_can_be_given_up(as_its_user, photo, tmp_path):
    tessera.open(photo).apply("resize width=3000").save(tmp_path / "big.jpg")

    async def work(client):
        batch = await client.submit(tmp_path / "big.jpg", " | ".join(["non-local-means"] * 8))
        running = asyncio.Event()
        waiting = asyncio.create_task(client.wait(batch, lambda _: running.set()))
        await running.wait()
        began = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        # Heartbeats of a stream come every 15 s only.
        assert time.monotonic() - began < 10
        assert (await client.cancel(batch)).state == "cancelled"
        again = await client.retry(batch.jobs[0])
        assert again.state in ("queued", "running")
        assert (await client.cancel(again)).state == "cancelled"

    run(work, as_its_user)


def test_errors_are_raised(as_its_user, photo):
    async def work(client):
        with pytest.raises(tessera.NotFoundError):
            await client.status("job_none")
        with pytest.raises(tessera.UnknownOperatorError):
            await client.submit(photo, "gausian-blur")
        with pytest.raises(tessera.NotFoundError):
            async for _ in client.events(job="job_none"):
                pass

    run(work, as_its_user)
