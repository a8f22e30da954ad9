"""Parts of images as the service gives them to viewers, against Pillow and the list of the IIIF Image API 3.0, level 2.

usage: /usr/bin/python3 tests/judges/iiif.py PROGRAM

The list is that of https://iiif.io/api/image/3.0/compliance/: every feature that level 2 requires is asked for as a client
would ask, and what comes is compared with what Pillow cuts out of the picture and reduces by area.
"""
import io
import json
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from PIL import Image, ImageChops, ImageOps

WIDTH, HEIGHT = 1501, 1003
LEVEL2 = {
    "region": ["regionByPx", "regionByPct", "regionSquare"],
    "size": ["sizeByW", "sizeByH", "sizeByPct", "sizeByConfinedWh", "sizeByWh"],
    "rotation": ["rotationBy90s"],
    "http": ["baseUriRedirect", "cors", "jsonldMediaType"],
}
checked = set()


def picture():
    """Smooth, so that what is reduced differently by rounding stays close."""
    gradient = Image.linear_gradient("L").resize((WIDTH, HEIGHT))
    radial = Image.radial_gradient("L").resize((WIDTH, HEIGHT))
    return Image.merge("RGB", (gradient, radial, ImageChops.difference(gradient, radial)))


class Service:
    def __init__(self, program, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.process = subprocess.Popen(
            [program, "serve", "--data", str(folder / "data"), "--listen", f"127.0.0.1:{self.port}"],
            env={**os.environ, "TMPDIR": str(folder), "XDG_STATE_HOME": str(folder / "state")},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(self.url + "/readyz")
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise SystemExit("the service does not begin") from None
                time.sleep(0.05)
        self.token = (folder / "data" / "token").read_text().split("\n")[0]

    def ask(self, url, method="GET", body=None, headers=None, signed_in=True):
        """Status, headers and bytes; redirections are not followed."""
        request = urllib.request.Request(url if url.startswith("http") else self.url + url, data=body, method=method,
                                         headers=headers or {})
        if signed_in:
            request.add_header("Authorization", f"Bearer {self.token}")

        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_):
                return None

        try:
            with urllib.request.build_opener(Stay).open(request) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()

    def json(self, url, method="GET", body=None):
        status, _, content = self.ask(url, method, None if body is None else json.dumps(body).encode(),
                                      {"Content-Type": "application/json"})
        assert status < 300, (url, status, content)
        return json.loads(content)

    def upload(self, path):
        place = self.json("/v1/uploads", "POST", {})
        link = place["upload"]["url"]
        status, _, content = self.ask(link, "PUT", path.read_bytes(), {"Content-Type": "application/octet-stream"}, False)
        assert status == 200, content
        return place["object"]


def same(a, b, most, what):
    assert a.size == b.size, f"{what}: {a.size} instead of {b.size}"
    worst = max(high for _, high in ImageChops.difference(a.convert("RGB"), b.convert("RGB")).getextrema())
    assert worst <= most, f"{what}: differs by {worst}"


class Judge:
    def __init__(self, service, image, base, near):
        """`near`: by how much a reduced part may differ; what is not reduced is the same."""
        self.service, self.image, self.base, self.near = service, image, base, near

    def part(self, rest):
        status, headers, content = self.service.ask(self.base + rest, signed_in=False)
        assert status == 200, (rest, status, content[:500])
        return Image.open(io.BytesIO(content)), headers

    def expect(self, rest, box, size, feature, turn=0, mirrored=False):
        """The part `box`, reduced to `size` by area."""
        got, _ = self.part(rest)
        cut = self.image.crop(box)
        expected = cut if cut.size == size else cut.resize(size, Image.BOX)
        if mirrored:
            expected = ImageOps.mirror(expected)
        expected = expected.rotate(-turn, expand=True)
        same(got, expected, 0 if cut.size == size else self.near, rest)
        checked.add(feature)

    def regions_and_sizes(self):
        whole = (0, 0, WIDTH, HEIGHT)
        self.expect("/full/max/0/default.png", whole, (WIDTH, HEIGHT), "regionByPx")
        self.expect("/101,203,500,300/max/0/default.png", (101, 203, 601, 503), (500, 300), "regionByPx")
        self.expect("/1400,900,500,300/max/0/default.png", (1400, 900, WIDTH, HEIGHT), (101, 103), "regionByPx")
        self.expect("/pct:10,20,30.5,40/max/0/default.png", (150, 201, 608, 602), (458, 401), "regionByPct")
        self.expect("/square/max/0/default.png", (249, 0, 249 + HEIGHT, HEIGHT), (HEIGHT, HEIGHT), "regionSquare")
        self.expect("/0,0,800,600/400,/0/default.png", (0, 0, 800, 600), (400, 300), "sizeByW")
        self.expect("/0,0,800,600/,150/0/default.png", (0, 0, 800, 600), (200, 150), "sizeByH")
        self.expect("/0,0,800,600/pct:25/0/default.png", (0, 0, 800, 600), (200, 150), "sizeByPct")
        self.expect("/0,0,800,600/100,300/0/default.png", (0, 0, 800, 600), (100, 300), "sizeByWh")
        self.expect("/0,0,800,600/!200,200/0/default.png", (0, 0, 800, 600), (200, 150), "sizeByConfinedWh")
        self.expect("/full/137,/0/default.png", whole, (137, 92), "sizeByW")
        for turn in (0, 90, 180, 270):
            self.expect(f"/10,20,300,200/max/{turn}/default.png", (10, 20, 310, 220), (300, 200), "rotationBy90s", turn)
        self.expect("/10,20,300,200/max/!90/default.png", (10, 20, 310, 220), (300, 200), "mirroring", 90, True)

    def at_random(self, count):
        """Tiles as viewers ask for them, and any others."""
        for _ in range(count):
            factor = random.choice((1, 2, 4))
            x, y = (factor * 64 * random.randrange(0, side // (factor * 64)) for side in (WIDTH, HEIGHT))
            box = (x, y, min(x + 512 * factor, WIDTH), min(y + 512 * factor, HEIGHT))
            width, height = box[2] - x, box[3] - y
            size = (-(-width // factor), -(-height // factor))
            got, _ = self.part(f"/{x},{y},{width},{height}/{size[0]},{size[1]}/0/default.png")
            expected = self.image.crop(box)
            if factor > 1:
                # At an odd edge of a pyramid's level the last column counts twice.
                padded = Image.new("RGB", (size[0] * factor, size[1] * factor))
                padded.paste(expected.resize(padded.size, Image.NEAREST) if padded.size == expected.size else expected)
                inner = (width // factor, height // factor)
                same(got.crop((0, 0, *inner)), padded.resize(size, Image.BOX).crop((0, 0, *inner)), self.near, f"tile {box}")
                assert got.size == size
            else:
                same(got, expected, 0, f"tile {box}")

    def formats_and_qualities(self):
        for extension, kind in (("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP"), ("tif", "TIFF")):
            got, headers = self.part(f"/0,0,64,48/max/0/default.{extension}")
            assert got.format == kind and got.size == (64, 48), extension
            assert headers["Content-Type"] == Image.MIME[kind], headers["Content-Type"]
        gray, _ = self.part("/0,0,64,48/max/0/gray.png")
        assert gray.mode == "L"
        same(gray, self.image.crop((0, 0, 64, 48)).convert("L"), 1, "gray")
        bitonal, _ = self.part("/0,0,640,480/max/0/bitonal.png")
        assert set(bitonal.convert("L").getdata()) == {0, 255}

    def http(self, identifier_url):
        status, headers, _ = self.service.ask(identifier_url, signed_in=False)
        assert status == 303 and headers["Location"].endswith("/info.json"), (status, headers["Location"])
        checked.add("baseUriRedirect")
        status, headers, content = self.service.ask(identifier_url + "/info.json", signed_in=False,
                                                    headers={"Origin": "https://viewer.example.org"})
        assert status == 200 and headers["Access-Control-Allow-Origin"] == "*", headers
        checked.add("cors")
        assert headers["Content-Type"] == "application/json", headers["Content-Type"]
        _, headers, _ = self.service.ask(identifier_url + "/info.json", signed_in=False,
                                         headers={"Accept": "application/ld+json"})
        assert headers["Content-Type"].startswith("application/ld+json;profile="), headers["Content-Type"]
        checked.add("jsonldMediaType")
        info = json.loads(content)
        assert info["@context"] == "http://iiif.io/api/image/3/context.json" and info["protocol"] == "http://iiif.io/api/image"
        assert info["type"] == "ImageService3" and info["profile"] == "level2" and info["id"] == identifier_url
        assert (info["width"], info["height"]) == (WIDTH, HEIGHT)
        for size in info["sizes"]:
            got, _ = self.part(f"/full/{size['width']},{size['height']}/0/default.jpg")
            assert got.size == (size["width"], size["height"])


def tiles_cover(service, view, image):
    """All tiles of a level, put together, are the picture at that level's size."""
    level = view["tile_levels"] - 1
    whole = Image.new("RGB", (WIDTH, HEIGHT))
    for x in range(-(-WIDTH // 256)):
        for y in range(-(-HEIGHT // 256)):
            url = view["tiles"].replace("{z}", str(level)).replace("{x}", str(x)).replace("{y}", str(y))
            status, _, content = service.ask(url, signed_in=False)
            assert status == 200, (url, status)
            whole.paste(Image.open(io.BytesIO(content)), (256 * x, 256 * y))
    same(whole, image, 0, "tiles")


def main(program):
    random.seed(4)
    image = picture()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        image.save(folder / "in.png")
        subprocess.run([program, "convert", folder / "in.png", folder / "in.tif", "--pyramid"], check=True)
        pipeline = "gaussian-blur sigma=3 | invert"
        subprocess.run([program, "apply", pipeline, folder / "in.png", "-o", folder / "processed.png"], check=True)
        processed = Image.open(folder / "processed.png").convert("RGB")
        service = Service(program, folder)
        try:
            for kind in ("tif", "png"):
                name = service.upload(folder / f"in.{kind}")
                view = service.json("/v1/views", "POST", {"object": name})
                base = view["info"].removesuffix("/info.json")
                # What is reduced in two steps, from a level of the pyramid, was rounded twice and weighed otherwise.
                judge = Judge(service, image, base, 6 if kind == "tif" else 2)
                judge.regions_and_sizes()
                judge.at_random(20)
                judge.formats_and_qualities()
                judge.http(base)
                tiles_cover(service, view, image)
                view = service.json("/v1/views", "POST", {"object": name, "pipeline": pipeline})
                judge = Judge(service, processed, view["info"].removesuffix("/info.json"), 2)
                judge.regions_and_sizes()
                judge.at_random(10)
                tiles_cover(service, view, processed)
        finally:
            service.process.terminate()
            service.process.wait()
    required = {feature for features in LEVEL2.values() for feature in features}
    assert required <= checked, f"not asked for: {required - checked}"
    print(f"{len(required)} features of level 2 hold, of stored and of processed images")


main(sys.argv[1])
