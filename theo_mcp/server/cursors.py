"""Cursors of lists. One says where the next page begins, by what stands there, so that it outlives this process."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

import mcp_types as types
from mcp.shared.exceptions import MCPError

from theo_mcp.errors import InputError

_LONGEST = 4_096


def only(params: types.PaginatedRequestParams | None) -> None:
    """For a list of one page: it has no cursor.

    Raises:
        MCPError: one is given.
    """
    if params is not None and params.cursor is not None:
        error = not_ours()
        raise MCPError(types.INVALID_PARAMS, f"{error.code}: {error}")


def not_ours() -> InputError:
    """What is said of a cursor that no list here gave."""
    return InputError("The cursor is none that this list gave.", hint="Ask for the first page again, without one.")


@dataclass(frozen=True)
class Place:
    """Behind which run, or else behind which file, a page begins; None is before the first."""

    run: tuple[float, str] | None = None
    file: str | None = None
    files: bool = False
    """Whether the runs are over."""

    @classmethod
    def of(cls, cursor: str | None) -> Place:
        """What a cursor says.

        Raises:
            InputError: it is none of ours.
        """
        if cursor is None:
            return cls()
        try:
            if len(cursor) > _LONGEST:
                raise ValueError
            match json.loads(base64.b64decode(cursor.encode(), altchars=b"-_", validate=True)):
                case ["run", int() | float() as at, str(handle)]:
                    return cls(run=(float(at), handle))
                case ["file", str() | None as name]:
                    return cls(file=name, files=True)
        except (ValueError, RecursionError):
            pass
        raise not_ours()

    @property
    def cursor(self) -> str:
        said = ["file", self.file] if self.files else ["run", *(self.run or ())]
        return base64.urlsafe_b64encode(json.dumps(said).encode()).decode()
