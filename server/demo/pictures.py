"""Pictures for the demo county, drawn: nobody's photo is used. Each scene varies with its seed."""

import io
import random
from collections.abc import Callable

from PIL import Image, ImageDraw, ImageFilter

SIZE = (1600, 1200)
Draw = ImageDraw.ImageDraw
Chance = random.Random
Colour = tuple[int, int, int]


def picture(scene: str, seed: int) -> bytes:
    """A JPEG of 1600 × 1200 of `scene` (a key of SCENES), with the light and clutter of `seed`."""
    chance = Chance(seed)
    light = chance.randint(-25, 15)
    image = Image.new("RGB", SIZE, _lit((188, 184, 176), light))
    draw = ImageDraw.Draw(image)
    SCENES[scene](draw, chance, light)
    image = _seen_from(image, chance)
    grain = Image.effect_noise(SIZE, 22).convert("RGB")
    image = Image.blend(image.filter(ImageFilter.GaussianBlur(1.2)), grain, 0.08)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=82)
    return out.getvalue()


def _seen_from(image: Image.Image, chance: Chance) -> Image.Image:
    """Another standpoint each time, so that two pictures of one scene are not taken for the same photo."""
    if chance.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    image = image.rotate(chance.uniform(-5, 5), Image.Resampling.BILINEAR, fillcolor=image.getpixel((5, 5)))
    left, top = chance.randint(40, 320), chance.randint(40, 200)
    width = chance.randint(1080, 1240)
    return image.resize(SIZE, Image.Resampling.BILINEAR, (left, top, left + width, top + width * 3 // 4))


def _lit(colour: Colour, light: int) -> Colour:
    red, green, blue = (max(0, min(255, part + light)) for part in colour)
    return red, green, blue


def _room(draw: Draw, light: int, floor: Colour = (139, 131, 120)) -> None:
    draw.polygon(
        [(0, 1200), (0, 900), (400, 700), (1200, 700), (1600, 900), (1600, 1200)], _lit(floor, light)
    )
    draw.polygon([(0, 0), (400, 160), (400, 700), (0, 900)], _lit((170, 166, 158), light))
    draw.polygon([(1600, 0), (1200, 160), (1200, 700), (1600, 900)], _lit((160, 156, 149), light))


def _outside(draw: Draw, light: int) -> None:
    draw.rectangle((0, 0, 1600, 640), _lit((164, 190, 212), light))
    draw.polygon(
        [
            (0, 640),
            (260, 420),
            (520, 600),
            (820, 380),
            (1150, 610),
            (1420, 470),
            (1600, 600),
            (1600, 700),
            (0, 700),
        ],
        _lit((130, 138, 130), light),
    )
    draw.rectangle((0, 640, 1600, 1200), _lit((150, 138, 118), light))


def blocked_exit(draw: Draw, chance: Chance, light: int) -> None:
    """安全出口: a chained door with boxes before it."""
    _room(draw, light)
    draw.rectangle((560, 220, 1040, 720), _lit((96, 112, 110), light), _lit((60, 70, 70), light), 10)
    draw.line((800, 220, 800, 720), _lit((60, 70, 70), light), 8)
    draw.rectangle((650, 110, 950, 190), (24, 128, 84))
    for x in range(700, 900, 34):
        draw.ellipse((x, 455, x + 44, 491), outline=(90, 86, 80), width=9)
    draw.rectangle((780, 480, 830, 545), (170, 140, 50))
    _boxes(draw, chance, light, 420, 1180, 980)


def bikes_in_stairwell(draw: Draw, chance: Chance, light: int) -> None:
    """电动车楼道充电: bikes below a staircase, a cable across."""
    _room(draw, light)
    for step in range(8):
        draw.rectangle(
            (820 + step * 75, 640 - step * 62, 1600, 702 - step * 62),
            _lit((150 - step * 6, 144 - step * 6, 136 - step * 6), light),
        )
    for number in range(chance.randint(2, 4)):
        _bike(
            draw,
            180 + number * 300,
            960 + chance.randint(-30, 30),
            _lit(chance.choice([(120, 40, 44), (40, 70, 110), (60, 60, 64)]), light),
        )
    draw.line([(40, 380), (260, 520), (340, 760), (520, 870)], (215, 120, 40), 9)


def gas_cylinders(draw: Draw, chance: Chance, light: int) -> None:
    """气瓶: cylinders in a kitchen next to a stove."""
    _room(draw, light, (120, 112, 108))
    draw.rectangle((880, 600, 1500, 960), _lit((180, 182, 184), light))
    for x in (980, 1200, 1400):
        draw.polygon([(x, 600), (x + 32, 500), (x + 64, 600)], (226, 128, 40))
    for number in range(chance.randint(3, 5)):
        x, y = 140 + number * 165, 600 + chance.randint(-20, 30)
        draw.rounded_rectangle(
            (x, y, x + 130, y + 380), 50, _lit((196, 196, 190) if number % 2 else (72, 108, 150), light)
        )
        draw.rectangle((x + 48, y - 50, x + 82, y), (110, 106, 100))


def scaffold(draw: Draw, chance: Chance, light: int) -> None:
    """脚手架: a building site with missing guard rails."""
    _outside(draw, light)
    draw.rectangle((420, 120, 1280, 980), _lit((168, 160, 148), light))
    for x in range(380, 1340, 150):
        draw.line((x, 60, x, 1000), (120, 100, 60), 12)
    for y in range(160, 1000, 190):
        draw.rectangle((360, y, 1330, y + 18), (146, 118, 70))
        if chance.random() < 0.6:
            draw.line((380, y - 80, 1300, y - 80), (120, 100, 60), 8)
    x = chance.randint(520, 1100)
    draw.ellipse((x, 268, x + 54, 322), (236, 190, 60))
    draw.rectangle((x + 4, 322, x + 50, 430), (60, 84, 120))


def wires(draw: Draw, chance: Chance, light: int) -> None:
    """电线私拉乱接."""
    _room(draw, light)
    draw.rectangle((600, 300, 1000, 640), _lit((206, 202, 192), light), (90, 90, 90), 6)
    for _ in range(22):
        points = [(chance.randint(500, 1100), 640)]
        points += [(chance.randint(200, 1400), chance.randint(650, 1150)) for _ in range(3)]
        draw.line(
            points,
            chance.choice([(30, 30, 30), (200, 60, 50), (40, 90, 160), (220, 170, 40)]),
            7,
            joint="curve",
        )


def pit(draw: Draw, chance: Chance, light: int) -> None:
    """基坑: an open pit without fence."""
    _outside(draw, light)
    draw.polygon([(300, 720), (1320, 700), (1500, 1060), (160, 1100)], _lit((96, 82, 66), light))
    draw.polygon([(420, 800), (1220, 790), (1320, 1000), (330, 1030)], _lit((66, 56, 46), light))
    x = chance.randint(900, 1100)
    draw.rectangle((x, 520, x + 260, 660), (222, 176, 50))
    draw.line([(x, 560), (x - 190, 420), (x - 330, 700)], (222, 176, 50), 34)


def waste(draw: Draw, chance: Chance, light: int) -> None:
    """随意倾倒: barrels and heaps in the open."""
    _outside(draw, light)
    for _ in range(60):
        x, y, size = chance.randint(250, 1300), chance.randint(760, 1080), chance.randint(20, 90)
        draw.ellipse(
            (x, y, x + size * 2, y + size),
            _lit(chance.choice([(110, 98, 84), (84, 88, 80), (140, 130, 110)]), light),
        )
    for number in range(chance.randint(2, 4)):
        x = 400 + number * 230
        draw.rectangle((x, 640, x + 150, 880), _lit((60, 92, 124), light))
        draw.ellipse((x, 850, x + 150, 910), _lit((52, 80, 110), light))
        draw.ellipse((x, 610, x + 150, 670), _lit((84, 116, 148), light))


def minibus(draw: Draw, chance: Chance, light: int) -> None:
    """超员、超载: a crowded minibus."""
    _outside(draw, light)
    draw.rounded_rectangle((260, 420, 1380, 900), 70, _lit((226, 226, 220), light))
    for x in range(340, 1280, 190):
        draw.rectangle((x, 480, x + 160, 640), _lit((70, 84, 94), light))
        for _ in range(chance.randint(1, 3)):
            head = x + chance.randint(10, 100)
            draw.ellipse((head, 530, head + 52, 590), _lit((196, 160, 130), light))
    for x in (420, 1120):
        draw.ellipse((x, 830, x + 170, 1000), (40, 40, 42))
    _boxes(draw, chance, light, 420, 1200, 400)


def boiler(draw: Draw, chance: Chance, light: int) -> None:
    """锅炉: a boiler with a leaking pipe."""
    _room(draw, light)
    draw.rounded_rectangle((360, 340, 1160, 860), 200, _lit((88, 104, 112), light))
    for x in (520, 760, 1000):
        draw.rectangle((x, 160, x + 44, 360), _lit((150, 90, 70), light))
    draw.ellipse((690, 540, 830, 680), (232, 228, 216), (40, 40, 40), 8)
    draw.line((760, 610, 800, 570), (190, 50, 40), 6)
    for _ in range(30):
        x, y, size = chance.randint(1120, 1400), chance.randint(240, 560), chance.randint(30, 90)
        draw.ellipse((x, y, x + size, y + size), _lit((214, 214, 212), light))


def _boxes(draw: Draw, chance: Chance, light: int, left: int, right: int, bottom: int) -> None:
    x = left
    while x < right:
        size = chance.randint(90, 190)
        draw.rectangle(
            (x, bottom - size, x + size, bottom), _lit((176, 140, 96), light), _lit((120, 92, 60), light), 5
        )
        draw.line((x, bottom - size // 2, x + size, bottom - size // 2), _lit((200, 176, 130), light), 12)
        x += size + chance.randint(5, 40)


def _bike(draw: Draw, x: int, y: int, colour: Colour) -> None:
    for wheel in (x, x + 190):
        draw.ellipse((wheel, y, wheel + 120, y + 120), outline=(30, 30, 30), width=16)
    draw.line([(x + 60, y + 60), (x + 110, y - 60), (x + 240, y + 60)], colour, 26)
    draw.rounded_rectangle((x + 70, y - 110, x + 200, y - 70), 14, (34, 34, 36))
    draw.line([(x + 240, y + 60), (x + 220, y - 150), (x + 270, y - 160)], colour, 16)


SCENES: dict[str, Callable[[Draw, Chance, int], None]] = {
    scene.__name__: scene
    for scene in (
        blocked_exit,
        bikes_in_stairwell,
        gas_cylinders,
        scaffold,
        wires,
        pit,
        waste,
        minibus,
        boiler,
    )
}
