"""Power cuts: puts a folder back to what its disk had, by what power.c has kept of it.

What was brought to the disk is there. Of the rest, a cut takes away all, or each page and each name by chance, since a
disk may have written any of them.
"""
import os
import pathlib
import shutil

PAGE_BYTES = 4096


class PoweredFolder:
    """The folder `data` on the disk `disk`, with the second folder `durable` beside it."""

    def __init__(self, disk, durable, library):
        self.data = disk.place / "data"
        self.data.mkdir(mode=0o700)
        self.durable = pathlib.Path(durable)
        self.durable.mkdir()
        self._keep_names(self.data, {})
        self.environment = {"TESSERA_CHAOS_DISK": str(disk.place), "TESSERA_CHAOS_DURABLE": str(self.durable)}
        self.library = library

    def _keep_names(self, folder, entries, durable=None):
        """`entries`: name -> (inode, kind)."""
        lines = [f"{inode} {kind} {name}\n" for name, (inode, kind) in entries.items()]
        ((durable or self.durable) / f"d-{folder.stat().st_ino}").write_text("".join(lines))

    def _kept_names(self, inode):
        try:
            lines = (self.durable / f"d-{inode}").read_text().splitlines()
        except FileNotFoundError:
            return {}
        parts = [line.split(" ", 2) for line in lines]
        return {name: (int(number), kind) for number, kind, name in parts}

    def cut(self, random, everything):
        """All processes that use the folder have been killed. `everything`: all that is not on the disk is gone."""
        now = {}  # inode -> path of what there is, on the disk or not
        for path in [self.data, *self.data.rglob("*")]:
            now[path.lstat().st_ino] = path
        whole, second = self.data.with_name("data.whole"), self.durable.with_name(self.durable.name + ".new")
        second.mkdir()
        root = self.data.stat().st_ino
        self.data.rename(whole)
        now = {inode: whole / path.relative_to(self.data) for inode, path in now.items()}
        keep = (lambda: False) if everything else (lambda: random.random() < 0.5)
        self._build(self.data, root, now, second, keep)
        shutil.rmtree(whole)
        shutil.rmtree(self.durable)
        second.rename(self.durable)

    def _build(self, place, inode, now, second, keep):
        """A folder as the disk has it. `keep`: whether a change that was not brought there has got there all the same."""
        place.mkdir(mode=0o700)
        kept = self._kept_names(inode)
        there = {}
        if inode in now:
            for entry in os.scandir(now[inode]):
                there[entry.name] = (entry.inode(), "d" if entry.is_dir(follow_symlinks=False) else "f")
        result = {}
        for name in sorted(kept.keys() | there.keys()):
            chosen = there.get(name) if kept.get(name) == there.get(name) or keep() else kept.get(name)
            if chosen is None:
                continue
            number, kind = chosen
            if kind == "d":
                self._build(place / name, number, now, second, keep)
            else:
                self._build_file(place / name, number, now, second, keep)
            result[name] = ((place / name).stat().st_ino, kind)
        self._keep_names(place, result, second)

    def _build_file(self, place, inode, now, second, keep):
        """The file stays the one it is, with its inode and time, which a disk keeps too."""
        durable = self.durable / f"f-{inode}"
        old = durable.read_bytes() if durable.exists() else b""
        there = now.pop(inode, None)  # a second name for it gets a copy
        new = there.read_bytes() if there is not None else old
        content = old
        if new != old:
            size = len(new) if keep() else len(old)
            pages = []
            for at in range(0, size, PAGE_BYTES):
                page = (new if keep() else old)[at:at + PAGE_BYTES]
                pages.append(page.ljust(min(PAGE_BYTES, size - at), b"\0"))
            content = b"".join(pages)
        if there is None:
            place.write_bytes(content)
            place.chmod(0o600)
        else:
            there.rename(place)
            if content != new:
                status = place.stat()
                place.write_bytes(content)
                os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
        (second / f"f-{place.stat().st_ino}").write_bytes(content)
