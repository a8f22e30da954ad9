"""What must be true of every run on every file, whatever the file holds."""
import re
import subprocess
import unicodedata

DEFECT = 70
# What only those know who have read a library's source, or what shows that nobody meant the sentence for a reader.
JARGON = re.compile(
    r"libvips|\bvips|VipsForeign|libpng|\bspng|libjpeg|turbojpeg|libtiff|TIFF[A-Z][a-z]+|libheif|heif_|libwebp|"
    r"WebP[A-Z]|OpenCV|\bcv::|std::|boost|exception|errno|nullptr|(?<![0-9])0x[0-9a-f]{4}|\bSIG[A-Z]{3}|Internal error|terminate|"
    r"assert|MPI_|\bIDAT\b.*\bcrc\b|\bnan\b|unknown error|\bfseek|\bfread|\bmmap|\bzlib|\binflate\b|Z_[A-Z]+_ERROR")


def documented_codes(program):
    """The exit codes that `tessera apply --help` lists."""
    text = subprocess.run([program, "apply", "--help"], check=True, capture_output=True, text=True).stdout
    return {int(number) for number in re.findall(r"^ +(\d+)  \S", text.partition("Exit codes:")[2], re.MULTILINE)}


def strange_characters(text):
    """Control characters, and those that change the direction or the order of what stands around them."""
    return sorted({f"U+{ord(character):04X}" for character in text
                   if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Cs", "Co")})


def printable(text):
    """The text as the command shows it to people: what is strange as escapes."""
    def shown(character):
        if unicodedata.category(character) not in ("Cc", "Cf", "Zl", "Zp"):
            return character
        code = ord(character)
        return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(
            character, f"\\x{code:02x}" if code < 0x80 else f"\\u{{{code:x}}}")
    return "".join(map(shown, text))


def check_sentence(outcome, file):
    """Complaints about what a failed run says on standard error."""
    try:
        text = outcome.stderr.decode()
    except UnicodeDecodeError:
        return ["standard error is not UTF-8"]
    if not text:
        return ["it fails without a word"]
    complaints = []
    if text.count("\n") != 1 or not text.endswith("\n"):
        complaints.append(f"{text.count(chr(10))} lines in place of one")
    line = text.removesuffix("\n")
    if strange := strange_characters(line):
        complaints.append("control characters: " + " ".join(strange))
    if not line.startswith("tessera: "):
        complaints.append("does not begin with 'tessera: '")
    if not line.endswith("."):
        complaints.append("no sentence: does not end with a full stop")
    # Escaped or shortened names keep their longest plain part.
    plain = max(re.findall(r"[A-Za-z0-9_]+", file.name) or [file.name], key=len)
    if plain not in line:
        complaints.append("does not name the file")
    # The path is the caller's own.
    if found := JARGON.search(line.replace(str(file), "")):
        complaints.append(f"jargon: '{found.group()}'")
    return [f"{complaint}: {line[:400]!r}" for complaint in complaints]


def check_outcome(outcome, file, codes, memory_limit_bytes):
    """Complaints about one run."""
    complaints = []
    if outcome.timed_out:
        complaints.append("it takes longer than the limit")
    elif outcome.exit_code < 0:
        complaints.append(f"it is ended by signal {-outcome.exit_code}")
    elif outcome.exit_code == DEFECT:
        complaints.append(f"exit code {DEFECT}, a defect: {outcome.sentence[:400]!r}")
    elif outcome.exit_code not in codes:
        complaints.append(f"exit code {outcome.exit_code} is not documented: {outcome.sentence[:400]!r}")
    elif outcome.exit_code != 0:
        complaints += check_sentence(outcome, file)
    elif outcome.stderr:
        complaints.append(f"it succeeds, yet says on standard error: {outcome.stderr[:400]!r}")
    if outcome.left:
        complaints.append("it leaves files behind: " + ", ".join(outcome.left[:5]))
    if outcome.peak_memory_bytes > memory_limit_bytes:
        complaints.append(f"it takes {outcome.peak_memory_bytes / 2**20:.0f} MiB of memory")
    for warning in outcome.warnings:
        if found := JARGON.search(warning.replace(str(file), "")):
            complaints.append(f"a warning has jargon ('{found.group()}'): {warning[:300]!r}")
    return complaints


def check_words(outcome):
    """Complaints about the report in words, which goes to terminals."""
    strange = strange_characters((outcome.told + outcome.stderr.decode(errors="replace")).replace("\n", ""))
    if not strange:
        return []
    lines = [line for line in outcome.told.split("\n") if strange_characters(line)]
    return [f"its report has control characters ({' '.join(strange)}): {' '.join(lines)[:300]!r}"]


def check_apply(outcome):
    """Complaints about the report, and about a result that should or should not be there."""
    if outcome.timed_out or outcome.exit_code < 0:
        return []
    if outcome.exit_code == 0:
        return [] if outcome.digest else ["it succeeds, but there is no result"]
    if printable(outcome.reported_error) != outcome.sentence:
        return [f"the report says {outcome.reported_error[:300]!r}, standard error "
                f"{outcome.sentence[:300]!r}"]
    return []


def check_alike(outcomes):
    """Complaints about runs of one pipeline that differ though only threads or ranks do."""
    first, complaints = outcomes[0], []
    for other in outcomes[1:]:
        if first.timed_out or other.timed_out:
            continue
        for what in ("exit_code", "stderr", "digest", "warnings"):
            a, b = getattr(first, what), getattr(other, what)
            if a != b:
                complaints.append(f"{what} differs: {first.command}: {a!r:.300}; {other.command}: {b!r:.300}")
                break
    return complaints
