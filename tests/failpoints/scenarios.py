"""How each failpoint is reached, and what is promised then. By name of the failpoint."""
import json

from service import KEY, PIPELINE, picture, until


def submission(service, failpoint):
    """A submission that is not answered and sent again is one batch."""
    service.start(failpoint)
    request = service.request(service.upload())
    service.try_once("POST", "/v1/jobs", request, KEY)
    service.wait_for_kill()
    service.start()
    service.accept(service.until_answered("POST", "/v1/jobs", request, KEY))


def form(service, failpoint):
    request = json.dumps({"pipeline": PIPELINE, "output": {"format": "png"}})
    body = (b'--b\r\nContent-Disposition: form-data; name="request"\r\nContent-Type: application/json\r\n\r\n'
            + request.encode() + b'\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="picture.pgm"'
            b"\r\n\r\n" + picture() + b"\r\n--b--\r\n")
    headers = {**KEY, "Content-Type": "multipart/form-data; boundary=b"}
    service.start(failpoint)
    service.try_once("POST", "/v1/jobs", body, headers)
    service.wait_for_kill()
    service.start()
    service.accept(service.until_answered("POST", "/v1/jobs", body, headers))


def upload(service, failpoint):
    service.start(failpoint)
    service.try_once("POST", "/v1/uploads", {})
    service.wait_for_kill()
    service.start()
    service.submit()


def working(service, failpoint):
    """A node that ends at some step of a job."""
    service.start(failpoint)
    service.submit_once()
    service.wait_for_kill()


def failing(service, failpoint):
    service.start(failpoint)
    service.submit_once(b"this is no picture", becomes="failed")
    service.wait_for_kill()


def cancelled(service, failpoint):
    service.start(failpoint)
    service.hide_scratch()  # so that no node takes it
    job = service.submit(becomes="cancelled")
    service.try_once("DELETE", f"/v1/jobs/{job}")
    service.wait_for_kill()
    service.show_scratch()


def retried(service, failpoint):
    service.start(failpoint)
    service.hide_scratch()
    job = service.submit()
    service.until_answered("DELETE", f"/v1/jobs/{job}")
    service.try_once("POST", f"/v1/jobs/{job}/retry")
    service.wait_for_kill()
    service.show_scratch()


def without_message(service, failpoint):
    """The queue has lost the message of a job that waits."""
    service.start()
    service.hide_scratch()
    service.submit()
    service.stop()
    service.sql("DELETE FROM queue_messages")
    service.show_scratch()
    service.start(failpoint, serves=False)
    service.wait_for_kill()


def postponed(service, failpoint):
    service.start(failpoint)
    service.hide_scratch()
    service.submit_once()
    service.wait_for_kill()
    service.show_scratch()


def set_aside(service, failpoint):
    """A job that has ended its node too often."""
    service.requeue_after_s = 600  # the reconciler would queue it anew, without the past
    service.start("job-on-ranks")
    service.submit_once(becomes="failed")
    service.wait_for_kill()
    service.sql("UPDATE queue_messages SET attempts=15")  # beyond the node's limit, within the queue's own
    service.start(failpoint, serves=False)
    service.wait_for_kill()
    service.start()
    job = service.submitted_job()
    until(lambda: service.job(job)["failure"]["code"] == "rank-lost", "the job says why it failed")


def expired(service, failpoint):
    """A job that outlives its time; its result is swept later."""
    service.start()
    job = service.submit()
    service.wait_for(job, "done")
    service.stop()
    old_ms = 1_600_000_000_000
    (record,) = service.sql("SELECT record FROM state_jobs WHERE id=?", job)[0]
    record = json.loads(record) | {"updated": "2020-09-13T12:26:40.000Z"}
    service.sql("UPDATE state_jobs SET updated_ms=?, record=? WHERE id=?", old_ms, json.dumps(record), job)
    service.start(failpoint, serves=False)
    service.wait_for_kill()
    service.start()
    if service.status_of(f"/v1/jobs/{job}") != 404:
        raise RuntimeError("an expired job is there again")
    # Results without a job are swept once they are some hours old; this one is not.
    (left,) = service.stored_results()
    left.unlink()
    service.promised.clear()


def webhook(service, failpoint):
    service.start(failpoint)
    service.submit_once(webhook=True)
    service.wait_for_kill()
    service.start()
    until(lambda: service.receiver.ids, "the webhook is called")
    until(lambda: service.sql("SELECT count(*) FROM state_webhook_calls")[0][0] == 0, "the call is recorded as made")
    if len(set(service.receiver.ids)) != 1:
        raise RuntimeError(f"calls with different ids: {service.receiver.ids}")


SCENARIOS = {
    "upload-entered": upload,
    "form-stored": form,
    "jobs-created": submission,
    "message-published": submission,
    "publication-marked": submission,
    "job-cancelled": cancelled,
    "job-retried": retried,
    "lost-job-queued-again": without_message,
    "lost-message-published": without_message,
    "expired-record-removed": expired,
    "message-taken": working,
    "job-running": working,
    "job-on-ranks": working,
    "job-processed": working,
    "result-stored": working,
    "job-done": working,
    "job-failed": failing,
    "job-postponed": postponed,
    "job-set-aside": set_aside,
    "webhook-taken": webhook,
    "webhook-answered": webhook,
}
