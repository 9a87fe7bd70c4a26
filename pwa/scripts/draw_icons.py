"""Draws the icons of both apps (PNG and SVG) into pwa/public: a viewfinder over a grid, for "watch" and "shoot first".

Run by hand after a change: python pwa/scripts/draw_icons.py
"""

from pathlib import Path

from PIL import Image, ImageDraw

PUBLIC = Path(__file__).parent.parent / "public"
TEAL, PAPER = "#0f4f4a", "#f7f5f1"
GLOW = {"tip": "#f7f5f1", "staff": "#7cc9be"}
FINE = 8  # drawn this many times larger, then reduced: smooth edges


def draw(size: int, app: str, inset: float, rounded: bool) -> Image.Image:
    """One icon of `size` pixels; `inset` is the free margin as a share of the size (maskable icons need more)."""
    full = size * FINE
    image = Image.new("RGBA", (full, full), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    if rounded:
        pen.rounded_rectangle((0, 0, full - 1, full - 1), radius=full * 0.22, fill=TEAL)
    else:
        pen.rectangle((0, 0, full, full), fill=TEAL)
    low, high = full * inset, full * (1 - inset)
    width, arm = full * 0.062, (high - low) * 0.27
    for x, y, dx, dy in ((low, low, 1, 1), (high, low, -1, 1), (low, high, 1, -1), (high, high, -1, -1)):
        for end in ((x + dx * arm, y), (x, y + dy * arm)):
            pen.line((x, y, *end), fill=PAPER, width=round(width))
            for px, py in ((x, y), end):
                half = width / 2
                pen.ellipse((px - half, py - half, px + half, py + half), fill=PAPER)
    cell, gap = (high - low) * 0.19, (high - low) * 0.075
    start = full / 2 - cell - gap / 2
    for row in range(2):
        for column in range(2):
            x, y = start + column * (cell + gap), start + row * (cell + gap)
            box = (x, y, x + cell, y + cell)
            if (row, column) == (0, 1):
                pen.ellipse((x - cell * 0.06, y - cell * 0.06, x + cell * 1.06, y + cell * 1.06), fill=GLOW[app])
            else:
                pen.rounded_rectangle(box, radius=cell * 0.2, fill="#5f9b93")
    return image.resize((size, size), Image.Resampling.LANCZOS)


def svg(app: str) -> str:
    """The same mark as a small SVG for the browser's tab."""
    cells = "".join(
        f'<rect x="{x}" y="{y}" width="10" height="10" rx="2" fill="#5f9b93"/>' for x, y in ((21, 21), (21, 33), (33, 33))
    )
    corners = "M14 23v-9h9M41 14h9v9M50 41v9h-9M23 50h-9v-9"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64">'
        f'<rect width="64" height="64" rx="14" fill="{TEAL}"/>'
        f'<path d="{corners}" fill="none" stroke="{PAPER}" stroke-width="4" stroke-linecap="round" stroke-linejoin="round"/>'
        f'{cells}<circle cx="38" cy="26" r="5.6" fill="{GLOW[app]}"/></svg>\n'
    )


for app in GLOW:
    icons = PUBLIC / app / "icons"
    icons.mkdir(parents=True, exist_ok=True)
    draw(192, app, 0.2, True).save(icons / "192.png", optimize=True)
    draw(512, app, 0.2, True).save(icons / "512.png", optimize=True)
    draw(512, app, 0.29, False).save(icons / "maskable-512.png", optimize=True)
    draw(180, app, 0.22, False).convert("RGB").save(icons / "apple-180.png", optimize=True)
    (PUBLIC / app / "icon.svg").write_text(svg(app), encoding="utf-8")
