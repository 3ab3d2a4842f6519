"""Arithmetic, which models guess: exact where numbers are whole or fractions, 34 digits elsewhere.

The text is parsed by Python's own parser and only ever read: names, calls and operators that are not listed here do not
exist, and what would grow beyond a few thousand digits is refused before it is computed.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from decimal import Context as Precision
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Final, TypeAlias

from theo_mcp.engine.tools import Arguments, Context, Tool
from theo_mcp.errors import InputError

Number: TypeAlias = Fraction | Decimal

_LONGEST: Final = 500
_BITS: Final = 8192
"""The longest whole number, numerator or denominator: 2466 digits."""
_DIGITS: Final = 34
_PRECISION: Final = Precision(prec=_DIGITS, Emax=2500, Emin=-2500)
_DEEPEST: Final = 100


async def _run(arguments: Arguments, context: Context) -> str:
    return calculated(str(arguments["expression"]))


def calculated(text: str) -> str:
    """What the expression `text` comes to, as a line ``expression = result``.

    Raises:
        InputError: it is no such expression, has no result, or one that is too large.
    """
    expression = text.strip().rstrip("=").strip()
    if not expression or len(expression) > _LONGEST:
        raise _refused(f"The expression is {'empty' if not expression else f'longer than {_LONGEST} characters'}.")
    python = expression.replace("^", "**").replace("×", "*").replace("÷", "/").replace("−", "-").replace("·", "*")
    try:
        tree = ast.parse(python, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused("That is not an arithmetic expression.") from None
    with localcontext(_PRECISION):
        try:
            return f"{expression} = {_shown(_value(tree, 0))}"
        except ZeroDivisionError:
            raise _refused("That divides by zero.") from None
        except (ArithmeticError, ValueError):  # the logarithm of a negative number, an overflow
            raise _refused("That has no real result.") from None


def _value(node: ast.expr, depth: int) -> Number:
    if depth > _DEEPEST:
        raise _refused("The expression is nested too deeply.")
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return _checked(Fraction(str(value)))
        case ast.Name(id=name) if name.lower() in _CONSTANTS:
            return Decimal(_CONSTANTS[name.lower()])
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, depth + 1)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _value(operand, depth + 1)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _checked(_OPERATORS[type(op)](_value(left, depth + 1), _value(right, depth + 1)))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]) if name.lower() in _FUNCTIONS:
            function, least, most = _FUNCTIONS[name.lower()]
            if not least <= len(given) <= most:
                raise _refused(f"{name.lower()} takes {least if least == most else f'{least} to {most}'} numbers.")
            return _checked(function(*(_value(each, depth + 1) for each in given)))
    raise _refused(f"The calculator does not know {ast.unparse(node)[:60]!r}.")


def _checked(value: Number) -> Number:
    if isinstance(value, Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > _BITS:
        raise _refused("The numbers become too large.")
    if isinstance(value, Decimal) and not value.is_finite():
        raise ValueError
    return value


def _power(base: Number, exponent: Number) -> Number:
    if isinstance(base, Fraction) and isinstance(exponent, Fraction) and exponent.denominator == 1:
        size = max(base.numerator.bit_length(), base.denominator.bit_length())
        if abs(exponent) * max(1, size - 1) > _BITS:
            raise _refused("The numbers become too large.")
        return base ** int(exponent)
    return _decimal(base) ** _decimal(exponent)


def _both(exact: Callable[[Fraction, Fraction], Number], rounded: Callable[[Decimal, Decimal], Decimal]) -> _Binary:
    """`exact` where both are exact, else `rounded`."""

    def apply(left: Number, right: Number) -> Number:
        if isinstance(left, Fraction) and isinstance(right, Fraction):
            return exact(left, right)
        return rounded(_decimal(left), _decimal(right))

    return apply


def _decimal(value: Number) -> Decimal:
    return value if isinstance(value, Decimal) else Decimal(value.numerator) / Decimal(value.denominator)


def _root(value: Number) -> Number:
    if isinstance(value, Fraction) and value >= 0:
        top, below = math.isqrt(value.numerator), math.isqrt(value.denominator)
        if top * top == value.numerator and below * below == value.denominator:
            return Fraction(top, below)
    return _decimal(value).sqrt()


def _log(value: Number, base: Number | None = None) -> Number:
    """The natural logarithm, or that to a base."""
    return _decimal(value).ln() if base is None else _decimal(value).ln() / _decimal(base).ln()


def _floating(function: Callable[[float], float]) -> Callable[..., Number]:
    """A function that is known to 15 digits only."""
    return lambda value: Decimal(format(function(float(value)), ".15g"))


def _round(value: Number, places: Number = Fraction(0)) -> Number:
    digits = _whole(places)
    if digits is None or abs(digits) > _DIGITS:
        raise _refused("round takes a whole number of places.")
    return Fraction(round(value if isinstance(value, Fraction) else Fraction(value), digits))


def _factorial(value: Number) -> Number:
    whole = _whole(value)
    if whole is None or not 0 <= whole <= 800:
        raise _refused("factorial takes a whole number from 0 to 800.")
    return Fraction(math.factorial(whole))


def _common(function: Callable[[int, int], int]) -> Callable[..., Number]:
    def apply(left: Number, right: Number) -> Number:
        one, other = _whole(left), _whole(right)
        if one is None or other is None:
            raise _refused(f"{function.__name__} takes whole numbers.")
        return Fraction(function(one, other))

    return apply


def _whole(value: Number) -> int | None:
    exact = value if isinstance(value, Fraction) else Fraction(value)
    return exact.numerator if exact.denominator == 1 else None


def _shown(value: Number) -> str:
    """A whole number or a short decimal as it is; a fraction with its first digits; else the digits that are sure."""
    if isinstance(value, Decimal):
        short = +value.normalize(Precision(prec=_DIGITS - 4))
        return format(short, "f" if -30 < short.adjusted() < 30 else "g")
    if value.denominator == 1:
        return str(value.numerator)
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    digits = _decimal(value)
    if rest == 1 and Fraction(digits) == value:  # it ends
        return format(digits, "f")
    about = format(digits.normalize(Precision(prec=15)), "f" if -15 < digits.adjusted() < 15 else "g")
    fraction = str(value)
    return f"{fraction} (about {about})" if len(fraction) <= 40 else f"about {about}"


def _refused(message: str) -> InputError:
    return InputError(message, hint="Use numbers, + - * / // % ^, parentheses and functions such as sqrt or round.")


_Binary: TypeAlias = Callable[[Number, Number], Number]
_OPERATORS: Final[dict[type[ast.operator], _Binary]] = {
    ast.Add: _both(lambda a, b: a + b, lambda a, b: a + b),
    ast.Sub: _both(lambda a, b: a - b, lambda a, b: a - b),
    ast.Mult: _both(lambda a, b: a * b, lambda a, b: a * b),
    ast.Div: _both(lambda a, b: a / b, lambda a, b: a / b),
    ast.FloorDiv: _both(lambda a, b: Fraction(a // b), lambda a, b: a // b),
    ast.Mod: _both(lambda a, b: a % b, lambda a, b: a % b),
    ast.Pow: _power,
}
_CONSTANTS: Final = {
    "pi": "3.141592653589793238462643383279503",
    "e": "2.718281828459045235360287471352662",
    "tau": "6.283185307179586476925286766559006",
}
_FUNCTIONS: Final[dict[str, tuple[Callable[..., Number], int, int]]] = {
    "abs": (abs, 1, 1),
    "acos": (_floating(math.acos), 1, 1),
    "asin": (_floating(math.asin), 1, 1),
    "atan": (_floating(math.atan), 1, 1),
    "ceil": (lambda value: Fraction(math.ceil(value)), 1, 1),
    "cos": (_floating(math.cos), 1, 1),
    "degrees": (_floating(math.degrees), 1, 1),
    "exp": (lambda value: _decimal(value).exp(), 1, 1),
    "factorial": (_factorial, 1, 1),
    "floor": (lambda value: Fraction(math.floor(value)), 1, 1),
    "gcd": (_common(math.gcd), 2, 2),
    "lcm": (_common(math.lcm), 2, 2),
    "ln": (_log, 1, 1),
    "log": (_log, 1, 2),
    "log10": (lambda value: _decimal(value).log10(), 1, 1),
    "log2": (lambda value: _log(value, Fraction(2)), 1, 1),
    "max": (max, 1, 20),
    "min": (min, 1, 20),
    "radians": (_floating(math.radians), 1, 1),
    "round": (_round, 1, 2),
    "sin": (_floating(math.sin), 1, 1),
    "sqrt": (_root, 1, 1),
    "tan": (_floating(math.tan), 1, 1),
}
TOOL = Tool(
    name="calculator",
    description="Computes an arithmetic expression exactly. Knows + - * / // % ^, parentheses, pi, e, and functions: "
    + ", ".join(_FUNCTIONS)
    + ".",
    input_schema={
        "type": "object",
        "properties": {"expression": {"type": "string", "description": "Such as (17 * 23 + 4) / 3", "maxLength": 500}},
        "required": ["expression"],
    },
    run=_run,
    effects=False,
    computes=True,
)
