"""``email``: the HTML source of one email, with its styles in its elements, where mail programs read them."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from html import escape
from typing import Final

from theo_mcp.engine import brief
from theo_mcp.engine.making import Checked, Making, Wish, page
from theo_mcp.engine.prose import Prose

_FONT: Final = "font-family:Arial,Helvetica,sans-serif"
_TEXT: Final = f"{_FONT};font-size:16px;line-height:1.6;color:#1f2430;margin:0 0 16px"
_CELL: Final = "padding:32px 32px 16px;background-color:#ffffff;border-radius:8px"


def _system(_: Wish) -> str:
    return (
        "You write the complete HTML source of one email: from <!doctype html> to </html>, the subject as <title>, one "
        "column of at most 600 px laid out with tables, every style in a style attribute, no script, no form, nothing "
        "loaded from elsewhere. Use only facts of the request; leave a clear placeholder such as [date] where one is "
        "missing. Answer with one fenced html block and nothing else."
    )


def _check(source: str, _: Wish) -> Checked:
    found, looked = page.check(source)
    notices = list(page.notices(looked))
    if looked is not None and (refused := sorted(looked.tags & {"script", "form", "iframe", "object", "embed"})):
        notices.append(f"Mail programs drop what it has: {', '.join(f'<{tag}>' for tag in refused)}.")
    return Checked(found, tuple(notices))


async def _draft(wish: Wish, prose: Prose) -> AsyncGenerator[str, None]:
    """The letter of a skeleton, into which the small model writes sentences."""
    subject = brief.subject(wish.prompt, "News")
    asked = brief.title(wish.prompt, subject)
    yield (
        '<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(subject)}</title>\n</head>\n"
        '<body style="margin:0;padding:0;background-color:#f2f4f7">\n'
        '<table role="presentation" width="100%" cellpadding="0" cellspacing="0" style="background-color:#f2f4f7">\n'
        '<tr><td align="center" style="padding:24px 12px">\n'
        '<table role="presentation" width="600" cellpadding="0" cellspacing="0" style="width:100%;max-width:600px">\n'
        f'<tr><td style="{_CELL}">\n'
        f'<h1 style="{_FONT};font-size:26px;line-height:1.25;color:#1f2430;margin:0 0 20px">{escape(subject)}</h1>\n'
        f'<p style="{_TEXT}">Hello,</p>\n'
    )
    if topic := brief.topic(wish.prompt):
        yield f'<p style="{_TEXT}">We would like to tell you about {escape(topic)}.</p>\n'
    question = f"Write one sentence for the middle of this email: {asked}. Say why it matters to the reader."
    line = await prose.sentence("message", question, about=brief.topic(wish.prompt))
    if not line:
        prose.notices.append("The message is left open for you to write.")
        line = "[Write your message here.]"
    yield f'<p style="{_TEXT}">{escape(line)}</p>\n'
    if listed := brief.items(wish.prompt):
        rows = "".join(f"<li>{escape(item)}</li>" for item in listed)
        yield f'<ul style="{_TEXT};padding-left:24px">{rows}</ul>\n'
    for address in sorted(brief.addresses(wish.prompt)):
        target = address if "://" in address else f"mailto:{address}"
        yield f'<p style="{_TEXT}"><a href="{escape(target)}" style="color:#1d4fbb">{escape(address)}</a></p>\n'
    sender = escape(brief.name(wish.prompt) or "[your name]")
    yield f'<p style="{_TEXT}">Best regards<br>{sender}</p>\n</td></tr>\n</table>\n'
    yield "</td></tr>\n</table>\n</body>\n</html>\n"


MAKING = Making(output_type="email", system=_system, check=_check, draft=_draft)
