"""Photos to send, drawn once."""

from pathlib import Path

from tests.storage.drawn import encoded, scene

SIDES = ((160, 120), (320, 240), (640, 480), (1400, 1050))


def draw_photos(folder: Path, sides: tuple[tuple[int, int], ...] = SIDES) -> list[Path]:
    """One JPEG for each pair of width and height."""
    paths = []
    for seed, (width, height) in enumerate(sides):
        path = folder / f"{width}.jpg"
        path.write_bytes(encoded(scene(width, height, seed), "JPEG", quality=97))
        paths.append(path)
    return paths
