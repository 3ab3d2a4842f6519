"""What a server holds of native code once each tool has been called (decision 12): no parser, renderer or model of
files, which small hostile inputs abort with the whole process."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from tests.unit.server import raw
from tests.unit.server.answers import of_document, of_images, of_job
from tests.unit.server.raw import MODERN
from tests.unit.server.test_schemas import ALL, CALLS
from theo_mcp.testing import faults, getcode, theo
from theo_mcp.testing.getcode import FakeGetCode
from theo_mcp.testing.theo import FakeTheo

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
ALLOWED = {"pydantic_core", "cryptography", "_cffi_backend"}
"""Packages beside Python itself that may load native code into the server: the last two come with the MCP SDK."""
_TELLS = """
import atexit, json, os, sys

def tell():
    native = {
        name: module.__file__
        for name, module in list(sys.modules.items())
        if (getattr(module, "__file__", None) or "").endswith((".so", ".pyd"))
    }
    with open(os.environ["TELLS"] + "/" + str(os.getpid()), "w") as file:
        json.dump({"native": native, "argv": sys.argv, "modules": sorted(sys.modules)}, file)

atexit.register(tell)
"""


@pytest.mark.slow
async def test_after_one_call_of_each_tool_there_is_no_native_code_but_this(
    tmp_path: Path, theo_service: FakeTheo, getcode_service: FakeGetCode
) -> None:
    (tmp_path / "tells").mkdir()
    (tmp_path / "project").mkdir()
    (tmp_path / "sitecustomize.py").write_text(_TELLS, encoding="utf-8")
    (tmp_path / "project" / "brief.pdf").write_bytes(b"%PDF-1.7\n")
    environ = {
        "PYTHONPATH": str(tmp_path), "TELLS": str(tmp_path / "tells"), "THEO_MCP_TOOLS": "all",
        "THEO_API_KEY": theo.KEY, "THEO_BASE_URL": theo_service.origin, "GETCODE_API_KEY": getcode.KEY,
        "GETCODE_BASE_URL": getcode_service.origin, "THEO_MCP_DATA_DIR": str(tmp_path / "data"),
        "THEO_MCP_ROOTS": str(tmp_path / "project"),
    }  # fmt: skip
    address = theo_service.origin + "/file.png"
    served = faults.status(200, PNG)

    async with raw.server(tmp_path, era=MODERN, environ=environ) as server:
        await server.open()
        for number, tool in enumerate(name for name in ALL if name != "theo_result"):
            if tool == "theo_image":
                theo_service.next = [of_images(address), served]
            elif tool == "theo_document":
                theo_service.next = [of_document(address), served]
            elif tool == "theo_video":
                theo_service.next = [of_job(theo_service, {"videoUrl": address})]
            elif tool == "theo_research":
                theo_service.next = [of_job(theo_service, {"report": "R"})]
            result = await server.call(tool, id=number, **CALLS[tool])
            assert not result.get("isError"), (tool, result)
            if tool == "theo_image":
                assert [block["type"] for block in result["content"]][:2] == ["text", "image"]
        status = await server.call("theo_status", id=90)
        handle = status["structuredContent"]["handles"][0]["handle"]
        assert not (await server.call("theo_result", id=91, handle=handle)).get("isError")
        pid = server.process.pid
        await server.end(None)
        assert await server.exit_code() == 0

    told = json.loads((tmp_path / "tells" / str(pid)).read_text(encoding="utf-8"))
    foreign = {name: path for name, path in told["native"].items() if "site-packages" in path}
    assert {name.partition(".")[0] for name in foreign} <= ALLOWED, foreign
    assert {"PIL", "xllamacpp", "numpy", "lxml"}.isdisjoint(told["modules"])
    assert "_sqlite3" in told["modules"]  # the list is of after the calls, not of the start
