"""Images by URL."""
import functools
import http.server
import threading

import numpy
import pytest

import tessera


@pytest.fixture
def website(photo):
    """A web server that knows no ranges, with the photograph's folder."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=photo.parent)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_an_image_on_a_web_server_is_opened(website, photo):
    here = tessera.open(photo).apply("box-blur radius=2")
    there = tessera.open(f"{website}/{photo.name}?token=secret").apply("box-blur radius=2")
    assert numpy.array_equal(numpy.asarray(there), numpy.asarray(here))
    assert numpy.array_equal(there[10:20, 30:50], here[10:20, 30:50])


def test_what_is_not_there_is_an_error(website):
    with pytest.raises(tessera.NotFoundError, match="404"):
        tessera.open(f"{website}/nothing.png?token=secret")
    with pytest.raises(tessera.UsageError, match="names no object"):
        tessera.open("s3://bucket")
