"""Previews of ordinary, odd and hostile images, made by Pillow here and decoded in a real child."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator

import pytest
from PIL import Image, ImageOps

from theo_mcp import InputError
from theo_mcp.artifacts.preview import Preview, preview
from theo_mcp.sandbox import Sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox() as opened:
        yield opened


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def opened(made: Preview) -> Image.Image:
    image = Image.open(io.BytesIO(made.data))
    assert Image.MIME[image.format or ""] == made.mime
    assert image.size == (made.width, made.height)
    return image.convert("RGBA")


def near(found: object, wanted: tuple[int, ...], by: int = 6) -> bool:
    assert isinstance(found, tuple)
    return len(found) == len(wanted) and all(abs(a - b) <= by for a, b in zip(found, wanted, strict=True))


def halves(mode: str, size: tuple[int, int], left: object, right: object) -> Image.Image:
    image = Image.new(mode, size, left)  # type: ignore[arg-type]
    image.paste(right, (size[0] // 2, 0, size[0], size[1]))  # type: ignore[arg-type]
    return image


def noise(side: int) -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise((side, side), 120) for _ in range(3)])


def png_of(width: int, height: int, rows: bytes) -> bytes:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


async def test_a_preview_is_a_small_jpeg_that_shows_the_image(sandbox: Sandbox) -> None:
    made = await preview(saved(halves("RGB", (2000, 1000), "red", "blue"), "PNG"), sandbox)

    assert (made.mime, made.width, made.height, made.original_width, made.original_height) == (
        "image/jpeg", 1024, 512, 2000, 1000,
    )  # fmt: skip
    assert near(opened(made).getpixel((100, 250)), (255, 0, 0, 255))
    assert near(opened(made).getpixel((900, 250)), (0, 0, 255, 255))


@pytest.mark.slow
async def test_the_base64_of_a_preview_keeps_to_its_cap(sandbox: Sandbox) -> None:
    data = saved(noise(1100), "JPEG", quality=95)
    for max_base64 in (2048, 8192, 65_536):
        made = await preview(data, sandbox, max_base64=max_base64)

        assert max_base64 / 4 < len(base64.b64encode(made.data)) <= max_base64
        assert opened(made)
        assert (made.original_width, made.original_height) == (1100, 1100)


async def test_the_smallest_room_takes_any_image(sandbox: Sandbox) -> None:
    for size in ((1, 1), (20_000, 1), (1, 20_000)):
        made = await preview(saved(Image.new("RGB", size, "red"), "PNG"), sandbox, max_base64=2048)

        assert near(opened(made).getpixel((0, 0)), (254, 0, 0, 255))
    with pytest.raises(ValueError, match="at least 2048"):
        await preview(b"", sandbox, max_base64=2047)


async def test_an_image_of_a_line_or_a_point_keeps_its_pixels(sandbox: Sandbox) -> None:
    for size, shown in (((1, 1), (1, 1)), ((20_000, 1), (1024, 1)), ((1, 20_000), (1, 1024))):
        made = await preview(saved(Image.new("RGB", size, "white"), "PNG"), sandbox)

        assert (made.width, made.height) == shown
        assert (made.original_width, made.original_height) == size


async def test_an_image_is_turned_as_its_metadata_says_and_the_metadata_is_left_out(sandbox: Sandbox) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Secret Camera"
    image = halves("RGB", (200, 100), "red", "blue")

    made = await preview(saved(image, "JPEG", exif=exif, comment="Secret words", icc_profile=b"Secret ICC"), sandbox)

    assert (made.width, made.height, made.original_width, made.original_height) == (100, 200, 100, 200)
    assert near(opened(made).getpixel((50, 20)), (254, 0, 0, 255))
    assert near(opened(made).getpixel((50, 180)), (0, 0, 254, 255))
    assert b"Secret" not in made.data
    assert Image.open(io.BytesIO(made.data)).getexif() == {}


async def test_every_orientation_is_that_of_pillow(sandbox: Sandbox) -> None:
    image = halves("RGB", (80, 40), "red", "blue")
    image.paste("green", (0, 0, 40, 20))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = saved(image, "PNG", exif=exif)
        wanted = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGBA")

        found = opened(await preview(data, sandbox))

        assert found.size == wanted.size
        for spot in ((10, 10), (wanted.width - 10, 10), (10, wanted.height - 10)):
            pixel = wanted.getpixel(spot)
            assert isinstance(pixel, tuple)
            assert near(found.getpixel(spot), pixel)


async def test_of_an_animation_the_first_frame_is_shown(sandbox: Sandbox) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "green", "blue")]
    for kind in ("GIF", "WEBP", "PNG"):
        made = await preview(saved(frames[0], kind, save_all=True, append_images=frames[1:]), sandbox)

        assert near(opened(made).getpixel((20, 15)), (254, 0, 0, 255))
        assert getattr(Image.open(io.BytesIO(made.data)), "n_frames", 1) == 1


async def test_inks_sixteen_bits_and_palettes_become_colours(sandbox: Sandbox) -> None:
    inks = await preview(saved(halves("CMYK", (60, 40), (0, 255, 255, 0), (255, 255, 0, 0)), "JPEG"), sandbox)
    grey = Image.frombytes("I;16", (60, 40), (b"\0\x40" * 30 + b"\0\xc0" * 30) * 40)
    deep = await preview(saved(grey, "PNG"), sandbox)
    palette = await preview(saved(halves("RGB", (60, 40), "red", "blue").quantize(4), "PNG"), sandbox)
    bits = await preview(saved(halves("1", (60, 40), 0, 1), "PNG"), sandbox)

    assert near(opened(inks).getpixel((10, 20)), (254, 0, 0, 255))
    assert near(opened(inks).getpixel((50, 20)), (0, 0, 254, 255))
    assert near(opened(deep).getpixel((10, 20)), (64, 64, 64, 255))
    assert near(opened(deep).getpixel((50, 20)), (192, 192, 192, 255))
    assert near(opened(palette).getpixel((50, 20)), (0, 0, 254, 255))
    assert near(opened(bits).getpixel((50, 20)), (255, 255, 255, 255))


async def test_what_is_transparent_stays_so_as_a_png(sandbox: Sandbox) -> None:
    image = halves("RGBA", (60, 40), (255, 0, 0, 0), (0, 0, 255, 128))

    for kind in ("PNG", "WEBP"):
        made = await preview(saved(image, kind, lossless=True), sandbox)

        assert made.mime == "image/png"
        assert near(opened(made).getpixel((50, 20)), (0, 0, 255, 128))
        found = opened(made).getpixel((10, 20))
        assert isinstance(found, tuple) and found[3] == 0
    palette = await preview(saved(Image.new("P", (10, 10), 3), "GIF", transparency=3), sandbox)
    assert opened(palette).getchannel("A").getextrema() == (0, 0)


@pytest.mark.slow
async def test_a_transparent_image_that_is_too_large_for_a_png_is_put_on_white(sandbox: Sandbox) -> None:
    image = noise(600).convert("RGBA")
    image.paste((0, 0, 0, 0), (0, 0, 300, 600))

    made = await preview(saved(image, "PNG"), sandbox, max_base64=64 * 1024)

    assert made.mime == "image/jpeg"
    assert near(opened(made).getpixel((10, 10)), (255, 255, 255, 255))


async def test_an_alpha_channel_that_hides_nothing_is_no_transparency(sandbox: Sandbox) -> None:
    assert (await preview(saved(Image.new("RGBA", (9, 9), "red"), "PNG"), sandbox)).mime == "image/jpeg"


async def test_an_image_with_too_many_pixels_is_refused_before_it_is_decoded(sandbox: Sandbox) -> None:
    webp = saved(Image.new("RGB", (4, 4)), "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0")  # with a VP8X chunk
    gif = saved(Image.new("P", (4, 4)), "GIF")
    bombs = (
        png_of(30_000, 30_000, b""),
        webp[:24] + b"\xfe\x3f\0\xfe\x3f\0" + webp[30:],
        gif[:6] + struct.pack("<HH", 60_000, 60_000) + gif[10:],
    )

    for data in bombs:
        with pytest.raises(InputError, match="more than 50 megapixels, and is not decoded") as raised:
            await preview(data, sandbox)
        assert (raised.value.code, raised.value.hint) == ("image_too_large", "Send a smaller one.")


async def test_a_truncated_image_is_refused(sandbox: Sandbox) -> None:
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        data = saved(noise(100), kind)
        for part in (0.02, 0.5, 0.9):
            with pytest.raises(InputError) as raised:
                await preview(data[: int(len(data) * part)], sandbox)
            assert raised.value.code in ("image_damaged", "image_unknown")
            assert raised.value.hint


async def test_what_is_no_image_is_refused_and_the_next_one_shown(sandbox: Sandbox) -> None:
    for data in (
        b"",
        b"%PDF-1.7",
        b"<svg xmlns='http://www.w3.org/2000/svg'><circle r='9'/></svg>",
        b"BM" + b"\0" * 100,
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        b"\xff\xd8\xff" + b"\xff" * 5000,
        b"%!PS-Adobe-3.0 EPSF-3.0\n",
        saved(Image.new("RGB", (3, 2)), "TIFF"),
        saved(Image.new("RGB", (3, 2)), "ICO"),
    ):
        with pytest.raises(InputError) as raised:
            await preview(data, sandbox)
        assert raised.value.code in ("image_unknown", "image_damaged")

    assert (await preview(saved(Image.new("RGB", (3, 2)), "GIF"), sandbox)).width == 3


async def test_broken_metadata_is_no_reason_to_refuse_an_image(sandbox: Sandbox) -> None:
    data = saved(Image.new("RGB", (30, 20), "red"), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\0")

    assert (await preview(data, sandbox)).width == 30


def test_this_process_imports_no_pillow() -> None:
    program = """
import anyio, sys
from theo_mcp.artifacts.preview import preview
from theo_mcp.sandbox import Sandbox
async def main():
    async with Sandbox() as sandbox:
        made = await preview(sys.stdin.buffer.read(), sandbox)
        print(made.mime, made.width, any(name.split(".")[0] == "PIL" for name in sys.modules))
anyio.run(main)
"""
    data = saved(Image.new("RGB", (30, 20), "red"), "PNG")

    done = subprocess.run([sys.executable, "-c", program], input=data, capture_output=True, check=True, timeout=30)

    assert done.stdout.decode().strip() == "image/jpeg 30 False"
