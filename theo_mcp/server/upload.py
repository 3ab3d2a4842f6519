"""Uploads: one file of the user's, checked to be what it is called, and the prompt that is made of it."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from theo_mcp.errors import InputError
from theo_mcp.server import results
from theo_mcp.server.reply import Reply
from theo_mcp.server.rooms import Rooms
from theo_mcp.wire.getcode import Analysed, UploadRequest
from theo_mcp.wire.words import UPLOAD_TYPES, OutputType, UploadType

MOST_BYTES: Final = 25 * 2**20
"""Of a file read from a path. No limit is documented; what is too large for the service is refused there."""
_MOST_BASE64: Final = 2**20
_OF_PATH: Final = ("The file at 'path'", "The argument 'mime_type'", "The name of the file at 'path'")
_OF_DATA: Final = ("The argument 'file_data'", "The argument 'mime_type'", "The argument 'file_name'")


@dataclass(frozen=True)
class Upload:
    """What is sent, and where it came from."""

    request: UploadRequest
    path: str | None


async def upload_of(
    rooms: Rooms,
    output_type: OutputType,
    *,
    path: str | None = None,
    file_data: str | None = None,
    file_name: str | None = None,
    mime_type: UploadType | None = None,
) -> Upload:
    """The upload that the arguments ask for; nothing is sent yet.

    Raises:
        InputError: none or both of path and file_data; the file cannot be read, or is not what it is called.
    """
    from theo_mcp.workspace.sniff import check_upload, sniffed

    if (path is None) == (file_data is None):
        both = "'path' and 'file_data' are both there" if path else "'path' and 'file_data' are both missing"
        raise InputError(f"The arguments {both}; one of them is wanted.", hint="Give the path of a file.")
    if path is not None:
        file = await rooms.workspace.read(path, max_bytes=MOST_BYTES)
        data, name, kind = file.data, file_name or file.name, mime_type or sniffed(file.data) or file.mime
        where: str | None = str(file.path)
    else:
        data, name, where = _decoded(file_data or ""), file_name or "", None
        kind = mime_type or sniffed(data) or ""
        if not name:
            raise InputError("The argument 'file_name' is missing.", hint='With file_data, give a name: "brief.pdf".')
    if kind not in UPLOAD_TYPES:
        raise InputError(
            f"The file {name[:60]!r} is {kind or 'of no known kind'}, which cannot be analysed.",
            hint=f"Allowed are: {', '.join(UPLOAD_TYPES)}.",
        )
    check_upload(data, kind, name, fields=_OF_PATH if path is not None and file_name is None else _OF_DATA)
    try:
        request = UploadRequest.model_validate(
            {"file_data": data, "mime_type": kind, "file_name": name, "output_type": output_type}
        )
    except ValidationError:
        raise InputError(
            f"The argument 'file_name' is {name[:60]!r}, which is no file's name.",
            hint='Give a name with an extension and without a folder, such as "brief.pdf".',
        ) from None
    return Upload(request, where)


def analysed(answer: Analysed, upload: Upload) -> Reply:
    """The prompt, and what to do with it."""
    output_type = upload.request.output_type
    facts = results.who(answer.theo_mcp) | {
        "file_name": answer.file_name or upload.request.file_name,
        "file_type": answer.file_type,
        "sent_bytes": len(upload.request.file_data),
        "path": upload.path,
    }
    note = f"Next: theo_generate with this text as prompt and output_type {output_type}."
    return results.reply_of(
        answer.analysed_prompt or "(The answer is empty.)",
        {"analysed_prompt": answer.analysed_prompt, "output_type": output_type},
        facts,
        answer.theo_mcp,
        notes=[note],
    )


def _decoded(text: str) -> bytes:
    if len(text) > _MOST_BASE64 * 4 // 3 + 4:
        raise InputError(
            f"The argument 'file_data' has {len(text):,} characters; at most 1 MB is taken this way.",
            code="file_too_large",
            hint="Save the file into an open folder and give its path.",
        )
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InputError("The argument 'file_data' is not base64.", hint="Give the path of the file instead.") from None
    if not data:
        raise InputError("The argument 'file_data' is empty.", hint="Give the path of a file.")
    return data
