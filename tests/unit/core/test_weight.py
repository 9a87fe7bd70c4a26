"""What a web process does not carry: it is started several times and holds what it once loaded."""

import subprocess
import sys

HEAVY = ("av", "numpy", "PIL", "pyproj", "scipy", "shapely", "sklearn", "typst")


def test_a_web_process_loads_nothing_of_the_workers() -> None:
    told = subprocess.run(
        [sys.executable, "-c", "import sys, server.app; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = set(told.stdout.split())
    assert "flask" in loaded
    assert not loaded & set(HEAVY)
