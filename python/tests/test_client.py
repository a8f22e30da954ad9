"""The service's client against a real 'tessera serve'."""
import http.server
import io
import os
import threading

import numpy
import PIL.Image
import pytest

import tessera
from service import CuttingProxy

SMALL = "resize width=64"


@pytest.fixture
def client(as_its_user):
    return tessera.Client(as_its_user.url)


@pytest.fixture
def big(photo, tmp_path):
    """An image that keeps the service busy until it is cancelled."""
    tessera.open(photo).apply("resize width=3000").save(tmp_path / "big.jpg")
    return tmp_path / "big.jpg"


LONG = " | ".join(["non-local-means"] * 8)


def test_a_submission_gives_the_bytes_of_the_command(client, photo, tmp_path, command):
    batch = client.submit([photo, photo], "median size=5 | otsu", format="png")
    assert isinstance(batch, tessera.Batch) and batch.id.startswith("batch_") and len(batch.jobs) == 2
    fractions = []
    done = client.wait(batch, progress=fractions.append)
    assert (done.state, done.fraction, done.ended) == ("done", 1.0, True)
    assert fractions == sorted(fractions) and fractions[-1] == 1
    for job in done.jobs:
        assert (job.state, job.name, job.batch_id, job.error) == ("done", "parrots.png", batch.id, None)
        target = client.download(job, tmp_path / f"{job.id}.png")
        assert target == tmp_path / f"{job.id}.png"
        assert target.read_bytes() == command("median size=5 | otsu", photo)
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.startswith(".")) == []


def test_one_file_and_a_pipeline_with_options(client, photo, tmp_path, command):
    batch = client.submit(os.fspath(photo), tessera.ops.resize(width=100), format="jpg", quality=40, priority="bulk")
    job, = client.wait(batch).jobs
    folder = tmp_path / "results"
    folder.mkdir()
    first, second = client.download(job, folder), client.download(job.id, folder)
    assert first.name == "parrots-resize.jpg" and second.name == "parrots-resize (2).jpg"
    assert first.read_bytes() == second.read_bytes() == command("resize width=100", photo, "a.jpg", "--quality", "40")


def test_a_large_image_goes_in_parts(client, tmp_path, command):
    picture = tmp_path / "large.ppm"
    pixels = numpy.random.default_rng(1).integers(0, 256, 4800 * 4900 * 3, dtype=numpy.uint8)
    picture.write_bytes(b"P6\n4800 4900\n255\n" + pixels.tobytes())
    asked = []
    ask = client._json
    client._json = lambda method, path, *rest: asked.append(path) or ask(method, path, *rest)
    job, = client.wait(client.submit(picture, SMALL, format="png")).jobs
    assert job.state == "done", job.error
    assert "/v1/uploads/complete" in asked
    assert client.download(job, tmp_path / "small.png").read_bytes() == command(SMALL, picture)


def test_a_job_can_be_waited_for(client, photo):
    batch = client.submit(photo, SMALL)
    job = client.wait(batch.jobs[0].id)
    assert isinstance(job, tessera.Job) and job.state == "done"
    assert client.status(batch).state == "done"
    assert client.status(job.id).json["result"]["width_px"] == 64
    # What has ended already is not waited for.
    assert client.wait(batch).state == "done"


def test_events_begin_with_a_snapshot_and_end_with_the_jobs(client, photo):
    batch = client.submit([photo] * 3, SMALL)
    events = list(client.events(batch=batch.id))
    assert {event.job.id for event in events} == {job.id for job in batch.jobs}
    first_types = [next(event.type for event in events if event.job.id == job.id) for job in batch.jobs]
    assert first_types == ["snapshot"] * 3
    assert {event.job.state for event in events if event.job.ended} == {"done"}
    assert [event.type for event in client.events(job=batch.jobs[0])][0] == "snapshot"


def test_events_go_on_where_they_ended(client, photo):
    with client.events() as events:
        # Also what ended before the first event was read.
        first = client.wait(client.submit(photo, SMALL))
        seen = next(event for event in events if event.job.ended)
        assert seen.job.batch_id == first.id
    second = client.wait(client.submit(photo, SMALL))
    with client.events(last_event_id=events.last_event_id) as missed:
        event = next(event for event in missed if event.job.ended)
    assert event.job.batch_id == second.id


def test_events_survive_a_broken_connection(as_its_user, photo):
    direct = tessera.Client(as_its_user.url)
    with CuttingProxy(as_its_user.port) as proxy:
        client = tessera.Client(proxy.url, as_its_user.token)
        with client.events() as events:
            first = direct.submit(photo, SMALL)
            next(event for event in events if event.job.batch_id == first.id)
            proxy.cut()
            others = [direct.wait(direct.submit(photo, SMALL)) for _ in range(2)]
            ended = []
            while len(ended) < 3:
                event = next(events)
                if event.job.ended:
                    ended.append(event.job.batch_id)
        assert ended == [first.id, *(batch.id for batch in others)]
        assert len(proxy.requests) >= 2
        assert b"last-event-id: " in proxy.requests[1].lower()


def test_a_stream_can_be_closed_from_another_thread(client):
    events = client.events()
    ended = threading.Event()

    def read():
        for _ in events:
            pass
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    events.close()
    thread.join(30)
    assert ended.is_set()


def test_jobs_are_cancelled_and_tried_again(client, big):
    batch = client.submit(big, LONG)
    running = next(event for event in client.events(batch=batch) if event.job.state == "running")
    cancelled = client.cancel(running.job)
    assert cancelled.state == "cancelled" and isinstance(cancelled.error, tessera.CancelledError)
    assert client.wait(batch).state == "cancelled"
    again = client.retry(batch)
    assert again.jobs[0].state in ("queued", "running")
    assert client.cancel(batch).state == "cancelled"


def test_an_exception_in_progress_ends_the_waiting(client, big):
    batch = client.submit(big, LONG)

    def progress(_):
        raise KeyError("enough")

    with pytest.raises(KeyError):
        client.wait(batch, progress)
    client.cancel(batch)


def test_jobs_that_fail_say_why(client, photo, tmp_path, damaged):
    (tmp_path / "damaged.png").write_bytes(damaged)
    batch = client.wait(client.submit([tmp_path / "damaged.png", photo], SMALL))
    assert batch.state == "failed"
    failed, fine = batch.jobs
    assert isinstance(failed.error, tessera.DamagedInputError) and "damaged" in str(failed.error)
    assert fine.state == "done" and fine.error is None
    with pytest.raises(tessera.Error):
        client.download(failed, tmp_path)
    with client.events(job=failed) as events:
        assert next(events).job.state == "failed"


class ForgetfulService(http.server.BaseHTTPRequestHandler):
    """Answers each request with the next of its answers, (status, headers, body)."""

    def do_POST(self):
        self.server.keys.append(self.headers.get("Idempotency-Key"))
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, body = self.server.answers.pop(0)
        if status is None:
            return  # the connection ends without an answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def forgetful():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ForgetfulService)
    server.keys = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server, tessera.Client(f"http://127.0.0.1:{server.server_port}", "token")
    server.shutdown()
    server.server_close()


BATCH = b'{"id": "batch_a", "state": "queued", "jobs": []}'


def test_requests_are_repeated_with_their_key(forgetful):
    server, client = forgetful
    server.answers = [(503, {"Retry-After": "0"}, b""), (None, {}, b""), (202, {}, BATCH)]
    assert client._submit([], "otsu", {}, "bulk").id == "batch_a"
    assert len(server.keys) == 3 and len(set(server.keys)) == 1 and server.keys[0]


def test_requests_are_repeated_five_times_at_most(forgetful):
    server, client = forgetful
    server.answers = [(503, {}, b'{"type": "/problems/busy", "detail": "Too much waits."}')] * 6
    with pytest.raises(tessera.BusyError, match="Too much waits."):
        client._submit([], "otsu", {}, "bulk")
    assert len(server.answers) == 1


@pytest.mark.parametrize("status,body,kind,code", [
    (422, b'{"type": "/problems/new-kind", "detail": "A sentence."}', tessera.UsageError, "new-kind"),
    (409, b'{"type": "/problems/conflict", "detail": "A sentence."}', tessera.ConflictError, "conflict"),
    (404, b"<html>", tessera.UsageError, "usage"),
    (200, b"<html>", tessera.UnavailableError, "unavailable"),
])
def test_answers_that_are_no_success_are_raised(status, body, kind, code, forgetful):
    server, client = forgetful
    server.answers = [(status, {}, body)]
    with pytest.raises(kind, match="A sentence|Is that a Tessera server") as caught:
        client._submit([], "otsu", {}, "bulk")
    assert caught.value.code == code


def test_sentences_of_a_server_do_not_control_the_terminal(forgetful):
    server, client = forgetful
    server.answers = [(409, {}, b'{"type": "/problems/conflict", "detail": "\\u001b[2Jgone"}')]
    with pytest.raises(tessera.ConflictError) as caught:
        client._submit([], "otsu", {}, "bulk")
    assert str(caught.value) == "\ufffd[2Jgone"


def test_a_service_that_is_away(forgetful):
    server, client = forgetful
    server.shutdown()
    server.server_close()
    with pytest.raises(ConnectionError, match="Cannot connect to 'http://127.0.0.1") as caught:
        client.status("job_a")
    assert caught.value.code == "unavailable"


@pytest.mark.parametrize("work,kind,code", [
    (lambda client, photo: client.status("job_none"), FileNotFoundError, "not-found"),
    (lambda client, photo: client.status("batch_none"), FileNotFoundError, "not-found"),
    (lambda client, photo: client.download("job_none"), FileNotFoundError, "not-found"),
    (lambda client, photo: next(client.events(job="job_none")), FileNotFoundError, "not-found"),
    (lambda client, photo: client.submit(photo, "gausian-blur"), ValueError, "unknown-operator"),
    (lambda client, photo: client.submit(photo, SMALL, format="gif"), ValueError, "usage"),
    (lambda client, photo: client.submit(photo, SMALL, colour="red"), ValueError, "usage"),
    (lambda client, photo: client.submit(photo, SMALL, priority="soon"), ValueError, "usage"),
    (lambda client, photo: client.submit([], SMALL), ValueError, "usage"),
    (lambda client, photo: client.submit([photo, "/none.png"], SMALL), FileNotFoundError, "not-found"),
    (lambda client, photo: client.events(job="job_a", batch="batch_a"), ValueError, "usage"),
])
def test_errors_have_the_service_s_code_and_sentence(work, kind, code, client, photo):
    with pytest.raises(kind) as caught:
        work(client, photo)
    assert isinstance(caught.value, tessera.Error)
    assert caught.value.code == code
    assert str(caught.value).endswith((".", ")")) and len(str(caught.value)) > 15


def test_a_wrong_token_is_refused(as_its_user):
    with pytest.raises(PermissionError) as caught:
        tessera.Client(as_its_user.url, "wrong").status("job_a")
    assert caught.value.code == "unauthorized"
    with pytest.raises(tessera.UnauthorizedError):
        next(tessera.Client(as_its_user.url, "wrong").events())


def test_the_environment_says_who_asks_and_where(as_its_user, monkeypatch, photo, tmp_path):
    monkeypatch.setenv("TESSERA_URL", as_its_user.url + "/")
    assert tessera.Client().wait(tessera.Client().submit(photo, SMALL)).state == "done"
    # Without the note of the service in the user's folder, the token is needed.
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(tessera.UnauthorizedError):
        tessera.Client().status("job_a")
    monkeypatch.setenv("TESSERA_TOKEN", as_its_user.token)
    with pytest.raises(tessera.NotFoundError):
        tessera.Client().status("job_a")
    monkeypatch.delenv("TESSERA_URL")
    monkeypatch.setenv("TESSERA_SERVER", as_its_user.url)
    with pytest.raises(tessera.NotFoundError):
        tessera.Client().status("job_a")
    monkeypatch.delenv("TESSERA_SERVER")
    assert tessera.Client().url == "http://127.0.0.1:8080"


def test_a_note_that_nobody_holds_gives_no_token(as_its_user, monkeypatch, tmp_path):
    note = as_its_user.state_home / "tessera/services" / f"127.0.0.1:{as_its_user.port}"
    left_over = tmp_path / "tessera/services" / note.name
    left_over.parent.mkdir(parents=True)
    left_over.write_text(note.read_text())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(tessera.UnauthorizedError):
        tessera.Client(as_its_user.url).status("job_a")


@pytest.mark.parametrize("url", ["ftp://127.0.0.1", "127.0.0.1:80", "nonsense"])
def test_addresses_that_are_none_are_refused(url):
    with pytest.raises(tessera.UsageError, match="http://"):
        tessera.Client(url, "token").status("job_a")


def test_a_result_is_a_picture(client, photo, pixels):
    job, = client.wait(client.submit(photo, "invert", format="tif")).jobs
    link = client._json("GET", f"/v1/jobs/{job.id}/result?link=1")
    content = client._http.send("GET", link["url"], dict)
    assert numpy.array_equal(PIL.Image.open(io.BytesIO(content)), 255 - pixels)
