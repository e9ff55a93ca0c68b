"""The logo of the demonstration company, drawn: three leaves around a roof."""

import base64
from io import BytesIO

from PIL import Image, ImageDraw

GREEN, GOLD = "#1f6f54", "#d99a22"
SIZE, SCALE = 240, 4


def logo() -> bytes:
    """PNG, base64 as the ORM wants it."""
    image = Image.new("RGBA", (SIZE * SCALE, SIZE * SCALE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)

    def at(*values: float) -> list[float]:
        return [value * SCALE for value in values]

    draw.rounded_rectangle(at(0, 0, SIZE, SIZE), radius=52 * SCALE, fill=GREEN)
    draw.polygon(at(40, 118, 120, 48, 200, 118, 184, 134, 120, 78, 56, 134), fill=GOLD)
    for x in (66, 108, 150):
        draw.pieslice(at(x - 12, 130, x + 36, 226), 180, 360, fill="white")
        draw.rectangle(at(x - 12 + 21, 176, x - 12 + 27, 204), fill="white")
    out = BytesIO()
    image.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return base64.b64encode(out.getvalue())
