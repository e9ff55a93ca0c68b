"""Numbers and labels as the language of an environment writes them."""

from decimal import Decimal

from odoo.tools import formatLang


def number(env, value, decimals: int = 0) -> str:
    """`value`, a Decimal or a float of at most 6 decimals, with all its decimals and at least `decimals` of them."""
    exact = value if isinstance(value, Decimal) else Decimal(str(round(value, 6)))
    return formatLang(env, float(exact), digits=max(decimals, -exact.normalize().as_tuple().exponent))


def labelled(env, label: str, text: str) -> str:
    """`text` after its label; languages set the colon in their own way."""
    return env._("%(label)s: %(text)s", label=label, text=text)
