"""Tessera: image processing whose results do not depend on how the image is cut.

    import tessera

    tessera.open("photo.jpg").apply("median size=5 | otsu").save("scan.png")
"""
from tessera import ops
from tessera._async_client import AsyncClient
from tessera._client import Client
from tessera._errors import (
    BadParameterError,
    BusyError,
    CancelledError,
    ConflictError,
    DamagedInputError,
    Error,
    ForbiddenError,
    InputOutputError,
    InternalError,
    LimitExceededError,
    NotFoundError,
    RankLostError,
    UnauthorizedError,
    UnavailableError,
    UnknownOperatorError,
    UnsupportedInputError,
    UsageError,
)
from tessera._image import Image, from_array, from_bytes, open
from tessera._jobs import Batch, Event, Job
from tessera._tessera import Findings, ImageInfo, Pipeline, Progress, Report, __version__, operators_json

__all__ = [
    "AsyncClient",
    "BadParameterError",
    "Batch",
    "BusyError",
    "CancelledError",
    "Client",
    "ConflictError",
    "DamagedInputError",
    "Error",
    "Event",
    "Findings",
    "ForbiddenError",
    "Image",
    "ImageInfo",
    "InputOutputError",
    "InternalError",
    "Job",
    "LimitExceededError",
    "NotFoundError",
    "Pipeline",
    "Progress",
    "RankLostError",
    "Report",
    "UnauthorizedError",
    "UnavailableError",
    "UnknownOperatorError",
    "UnsupportedInputError",
    "UsageError",
    "__version__",
    "from_array",
    "from_bytes",
    "open",
    "operators_json",
    "ops",
]
