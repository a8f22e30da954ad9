"""Makes damaged files from sound ones: cut off, or with random bytes, as a function of the seed."""
import random
import struct
import zlib

HEADER_BYTES = 200


def truncated(content, chosen):
    return content[:chosen.randrange(len(content))]


def cut_header(content, chosen):
    return content[:chosen.randrange(min(len(content), HEADER_BYTES))]


def with_random_bytes(count, reach):
    def damage(content, chosen):
        changed = bytearray(content)
        for _ in range(count):
            changed[chosen.randrange(min(len(changed), reach))] = chosen.randrange(256)
        return bytes(changed)
    return damage


def without_piece(content, chosen):
    begin = chosen.randrange(len(content))
    return content[:begin] + content[begin + chosen.randrange(1, 64):]


def repeated_piece(content, chosen):
    begin = chosen.randrange(len(content))
    end = begin + chosen.randrange(1, 4096)
    return content[:end] + content[begin:end] + content[end:]


def with_tail(content, chosen):
    return content + chosen.randbytes(chosen.randrange(1, 2000))


KINDS = {"truncated": truncated, "cut_header": cut_header, "byte": with_random_bytes(1, 1 << 62),
         "bytes": with_random_bytes(16, 1 << 62), "header_byte": with_random_bytes(1, HEADER_BYTES),
         "header_bytes": with_random_bytes(4, HEADER_BYTES), "without_piece": without_piece,
         "repeated_piece": repeated_piece, "with_tail": with_tail}


def make_damage(sound_files, folder, seed, count_each):
    """Writes `count_each` damaged copies of each sound file; returns their paths."""
    made = []
    for file in sorted(sound_files):
        content = file.read_bytes()
        if not content:
            continue
        chosen = random.Random(f"{seed} {file.name}")
        for number in range(count_each):
            kind = chosen.choice(sorted(KINDS))
            target = folder / f"{file.stem}-{kind}-{number}{file.suffix}"
            target.write_bytes(KINDS[kind](content, chosen))
            made.append(target)
    return made


def png_chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_with(*chunks):
    """One pixel, with these chunks before it."""
    return (b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)) + b"".join(chunks)
            + png_chunk(b"IDAT", zlib.compress(b"\0\1\2\3")) + png_chunk(b"IEND", b""))


SHORT = b"P6 2 2 255\n"
ODD = {  # name -> content: the name, the length or a text is what is odd
    "empty.png": b"", "one-byte.jpg": b"\xff",
    "line\nbreak.ppm": SHORT, "escape\x1b[31mred.ppm": SHORT, "right\u202egnp.ppm": SHORT, "percent%s%n.ppm": SHORT,
    "text-keyword.png": png_with(png_chunk(b"tEXt", b"\x1b[31mred\nline\0value")),
    "international-keyword.png": png_with(png_chunk(b"iTXt", b"right\xe2\x80\xaeleft\0\0\0en\0k\0v")),
    "profile-name.png": png_with(png_chunk(b"iCCP", b"na\x1b[31mme\0\0" + zlib.compress(b"no profile"))),
    "chunk-name.png": png_with(png_chunk(b"te\x1bt", b"x")),
    "comment.ppm": b"P6 # \x1b[31mred\n1 1 255\n",
}


def make_odd_files(folder):
    made = []
    for name, content in ODD.items():
        target = folder / name
        target.write_bytes(content)
        made.append(target)
    return made
