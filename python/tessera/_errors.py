"""The exceptions of Tessera: one for each code of the library and of the service."""
import errno as _errno


class Error(Exception):
    """A failure, in a sentence that says what was wrong and what to do."""

    #: A stable identifier: "damaged-input".
    code: str = "internal"
    #: The file, job or object that the sentence names; empty if it names none.
    subject: str = ""

    def __init__(self, sentence: str = "", subject: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.subject = subject

    def __str__(self) -> str:
        return self.sentence

    def __reduce__(self):
        return (type(self), (self.sentence, self.subject))


class UsageError(Error, ValueError):
    """The request itself is malformed."""

    code = "usage"


class UnknownOperatorError(Error, ValueError):
    """There is no operator of that name."""

    code = "unknown-operator"


class BadParameterError(Error, ValueError):
    """A parameter is unknown, of the wrong type or out of its range."""

    code = "bad-parameter"


class NotFoundError(Error, FileNotFoundError):
    """A file, job or object is not there."""

    code = "not-found"

    def __init__(self, sentence: str = "", subject: str = "") -> None:
        super().__init__(sentence, subject)
        self.errno = _errno.ENOENT
        self.filename = subject or None


class UnsupportedInputError(Error, ValueError):
    """Content that is not an image Tessera reads."""

    code = "unsupported-input"


class DamagedInputError(Error, ValueError):
    """An image that is truncated or corrupt."""

    code = "damaged-input"


class LimitExceededError(Error, ValueError):
    """More pixels, bytes, frames, metadata or time than allowed."""

    code = "limit-exceeded"


class InputOutputError(Error, OSError):
    """Reading or writing failed."""

    code = "io"


class CancelledError(Error):
    """The caller asked to stop."""

    code = "cancelled"


class RankLostError(Error, RuntimeError):
    """An MPI rank ended or no longer answers."""

    code = "rank-lost"


class UnauthorizedError(Error, PermissionError):
    """There is no token, or one that is not known or has expired."""

    code = "unauthorized"


class ForbiddenError(Error, PermissionError):
    """The caller is known, but not allowed to do this."""

    code = "forbidden"


class ConflictError(Error):
    """The request does not go with the present state or with an earlier request."""

    code = "conflict"


class BusyError(Error):
    """Too much is waiting already; try again later."""

    code = "busy"


class UnavailableError(Error, ConnectionError):
    """A server that is needed does not answer."""

    code = "unavailable"


class InternalError(Error, RuntimeError):
    """A defect in Tessera."""

    code = "internal"


_BY_CODE = {
    kind.code: kind
    for kind in (
        UsageError,
        UnknownOperatorError,
        BadParameterError,
        NotFoundError,
        UnsupportedInputError,
        DamagedInputError,
        LimitExceededError,
        InputOutputError,
        CancelledError,
        RankLostError,
        UnauthorizedError,
        ForbiddenError,
        ConflictError,
        BusyError,
        UnavailableError,
        InternalError,
    )
}


def printable(text: str) -> str:
    """A server's text for a terminal, which control characters could make do anything."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def error_of(code: str, sentence: str, subject: str = "") -> Error:
    """The exception for a code; a code of a newer version becomes an Error that has it."""
    if len(subject) > 1 and subject[0] == subject[-1] == "'":
        subject = subject[1:-1]  # as sentences quote it
    if kind := _BY_CODE.get(code):
        return kind(sentence, subject)
    error = Error(sentence, subject)
    error.code = code
    return error
