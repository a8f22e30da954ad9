"""Makes damaged files from sound ones: cut off, or with random bytes, as a function of the seed."""
import random

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


def make_odd_names(folder):
    """Files whose names or lengths are the trouble."""
    odd = {"empty.png": b"", "line\nbreak.ppm": b"P6 2 2 255\n", "escape\x1b[31mred.ppm": b"P6 2 2 255\n",
           "right\u202egnp.ppm": b"P6 2 2 255\n", "percent%s%n.ppm": b"P6 2 2 255\n",
           "-option.ppm": b"P6 2 2 255\n", "one-byte.jpg": b"\xff"}
    made = []
    for name, content in odd.items():
        target = folder / name
        target.write_bytes(content)
        made.append(target)
    return made
