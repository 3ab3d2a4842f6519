"""The job that makes a preview: it runs in a child of the sandbox, and only there is an image decoded.

Nothing of the file but its pixels comes out: no metadata, no colour profile, no further frames.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

# Imported before the child is confined, and so that `Image.open` does not look for them while it reads.
from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, UnidentifiedImageError, WebPImagePlugin

from theo_mcp.errors import InputError

if TYPE_CHECKING:
    from theo_mcp.sandbox import Returned

_PLUGINS: Final = (GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin)
_FORMATS: Final = ("GIF", "JPEG", "PNG", "WEBP")
_MEGAPIXELS: Final = 50
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_QUALITIES: Final = (85, 75, 60, 45)
_STEP: Final = 0.75

Image.MAX_IMAGE_PIXELS = _MEGAPIXELS * 1_000_000 // 2  # Pillow warns at this number, and refuses above its double


def thumbnail(image: bytes, *, most: int, longest: int) -> Returned:
    """A PNG or JPEG of at most `most` bytes, with no side above `longest`, and the size that the original is shown in.

    Raises:
        InputError: it is no image of the four kinds, has too many pixels, or is cut off or damaged.
    """
    try:
        picture, size = _decoded(image, longest)
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise InputError(
            f"The image has more than {_MEGAPIXELS} megapixels, and is not decoded.",
            code="image_too_large",
            hint="Send a smaller one.",
        ) from None
    except Exception:  # the decoders raise whatever a damaged file leads them to
        raise InputError(
            "The image is cut off or damaged.", code="image_damaged", hint="Make or download it again."
        ) from None
    encoded, mime, shown = _encoded(picture, most)
    return {"preview": encoded}, {"mime": mime, "size": shown.size, "original": size}


def _decoded(image: bytes, longest: int) -> tuple[Image.Image, tuple[int, int]]:
    """The first frame, small and upright, as RGB or as RGBA where something shines through; and the original's size."""
    try:
        opened = Image.open(io.BytesIO(image), formats=_FORMATS)
    except UnidentifiedImageError:
        raise InputError(
            "The bytes are no PNG, JPEG, WebP or GIF image, or end within its head.",
            code="image_unknown",
            hint="Send an image of one of these kinds.",
        ) from None
    with opened as file:
        size = file.size
        turn = _turn(file)
        file.draft(None, (2 * longest, 2 * longest))  # a JPEG is decoded at a fraction of its size where that does
        file.load()
        picture = _plain(file)
    picture.thumbnail((longest, longest), Image.Resampling.LANCZOS, reducing_gap=2.0)
    if turn is not None:
        picture = picture.transpose(turn)
        if turn not in (_TURNS[2], _TURNS[3], _TURNS[4]):
            size = size[1], size[0]
    return picture, size


def _turn(file: Image.Image) -> Image.Transpose | None:
    try:
        return _TURNS.get(file.getexif().get(_ORIENTATION, 1))
    except Exception:  # a broken note about an image is no reason to refuse it
        return None


def _plain(file: Image.Image) -> Image.Image:
    if file.mode in ("I", "I;16", "I;16B"):  # 16 bits: `convert` would cut off at 255 what it should divide
        file = file.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if not file.has_transparency_data:
        return file.convert("RGB")
    clear = file.convert("RGBA")
    lowest = clear.getchannel("A").getextrema()[0]
    return clear if lowest != 255 else clear.convert("RGB")


def _encoded(picture: Image.Image, most: int) -> tuple[bytes, str, Image.Image]:
    if picture.mode == "RGBA":
        png = _saved(picture, "PNG", optimize=True)
        if len(png) <= most:
            return png, "image/png", picture
        white = Image.new("RGBA", picture.size, "white")
        picture = Image.alpha_composite(white, picture).convert("RGB")
    while True:  # an image of one pixel fits: the front asks for room for its head
        for quality in _QUALITIES:
            jpeg = _saved(picture, "JPEG", quality=quality, optimize=True)
            if len(jpeg) <= most:
                return jpeg, "image/jpeg", picture
        picture = picture.resize((_smaller(picture.width), _smaller(picture.height)), Image.Resampling.LANCZOS)


def _smaller(side: int) -> int:
    return max(1, int(side * _STEP))


def _saved(picture: Image.Image, kind: str, **options: int) -> bytes:
    """`picture` in a file that says nothing else: what Pillow took from the original is left behind."""
    bare = Image.frombytes(picture.mode, picture.size, picture.tobytes())
    out = io.BytesIO()
    bare.save(out, kind, **options)
    return out.getvalue()
