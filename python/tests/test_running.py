"""Long calls: threads, progress, and what stops them."""
import signal
import subprocess
import threading

import numpy
import pytest

import tessera

#: Takes far longer than any test may.
ENDLESS = "resize scale=12 | non-local-means | non-local-means | non-local-means"


def test_results_do_not_depend_on_threads(photo):
    image = tessera.open(photo).apply("gaussian-blur sigma=4 | otsu")
    expected = image.numpy(threads=1)
    for threads in (2, 3, 7):
        assert numpy.array_equal(image.numpy(threads=threads), expected)


def test_tells_how_far_it_is(photo, tmp_path):
    image = tessera.open(photo).apply("median size=9 | otsu")
    for work in (image.numpy, image.find, image.encode, lambda progress: image.save(tmp_path / "a.png", progress=progress)):
        seen = []
        work(progress=seen.append)
        fractions = [progress.fraction for progress in seen]
        assert fractions == sorted(fractions)
        assert fractions[-1] == float(seen[-1]) == 1
        assert all(0 <= progress.stage < progress.stages for progress in seen)


def test_images_are_worked_on_side_by_side(photo):
    """Both are under way when either goes on: none holds Python's lock while it computes."""
    image = tessera.open(photo).apply("median size=5 | otsu")
    both = threading.Barrier(2, timeout=120)
    met, results = [], []

    def work():
        first = True

        def meet(_):
            nonlocal first
            if first:
                first = False
                met.append(both.wait())

        results.append(image.numpy(threads=1, progress=meet))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(met) == [0, 1]
    assert numpy.array_equal(*results)


def test_threads_may_share_an_image(photo):
    image = tessera.open(photo).apply("gaussian-blur sigma=4 | otsu")
    expected = tessera.open(photo).apply("gaussian-blur sigma=4 | otsu").numpy()
    right = []

    def work(at):
        right.append(numpy.array_equal(image[at:at + 60, at:at + 40], expected[at:at + 60, at:at + 40])
                     and numpy.array_equal(image.numpy(threads=1), expected))

    threads = [threading.Thread(target=work, args=(10 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 4


@pytest.mark.parametrize("call", ["numpy", "find", "encode", "save"])
def test_an_exception_in_progress_stops_the_run_and_is_raised(call, photo, tmp_path):
    class Enough(Exception):
        pass

    calls = []

    def progress(how_far):
        calls.append(how_far.fraction)
        raise Enough("that is enough")

    image = tessera.open(photo).apply(ENDLESS)
    arguments = [tmp_path / "none.png"] if call == "save" else []
    with pytest.raises(Enough, match="that is enough") as caught:
        getattr(image, call)(*arguments, progress=progress)
    assert len(calls) == 1 and calls[0] < 1
    assert caught.traceback[-1].name == "progress"
    assert not list(tmp_path.iterdir())


def test_an_exception_at_the_end_is_raised_too(photo):
    def progress(how_far):
        if how_far.fraction == 1:
            raise KeyError("last")

    with pytest.raises(KeyError, match="last"):
        tessera.open(photo).apply("invert").numpy(progress=progress)


class Alarm(Exception):
    pass


@pytest.mark.parametrize("work", [
    lambda image: image.numpy(),
    lambda image: image[:5000],
    lambda image: image.encode(),
    lambda image: image.find(),
], ids=["numpy", "part", "encode", "find"])
def test_what_a_signal_handler_raises_ends_the_call(work, photo):
    def ring(*_):
        raise Alarm

    before = signal.signal(signal.SIGALRM, ring)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(Alarm):
            work(tessera.open(photo).apply(ENDLESS))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


INTERRUPTED = """
import sys
import tessera

image = tessera.open(sys.argv[1]).apply(sys.argv[2])
try:
    image.save(sys.argv[3], progress=lambda progress: print(progress.fraction, flush=True))
except KeyboardInterrupt:
    print("interrupted", flush=True)
    # The library goes on working after it.
    print(tessera.open(sys.argv[1]).apply("otsu").numpy().shape)
"""


def test_control_c_ends_a_long_call(photo, tmp_path, script):
    folder = tmp_path / "results"
    folder.mkdir()
    process = script(INTERRUPTED, photo, ENDLESS, folder / "none.png")
    assert 0 <= float(process.stdout.readline()) < 1
    process.send_signal(signal.SIGINT)
    try:
        said, trouble = process.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        pytest.fail("The call went on for a minute after Ctrl-C.")
    assert process.returncode == 0, trouble
    assert said.splitlines()[-2:] == ["interrupted", "(512, 768)"]
    assert not list(folder.iterdir())


def test_control_c_without_a_handler_ends_the_program(photo, tmp_path, script):
    text = INTERRUPTED.replace("except KeyboardInterrupt", "except ZeroDivisionError")
    process = script(text, photo, ENDLESS, tmp_path / "none.png")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, trouble = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert trouble.rstrip().endswith("KeyboardInterrupt")
