#!/usr/bin/env python3
"""The one command line of Gridwatch; runs itself in the project's environment. See ./manage.py --help."""

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ENVIRONMENT = HERE / ".venv"

if __name__ == "__main__":
    python = ENVIRONMENT / "bin" / "python"
    if Path(sys.prefix).resolve() != ENVIRONMENT.resolve() and python.exists():
        os.execv(python, [str(python), str(HERE / "manage.py"), *sys.argv[1:]])
    sys.path.insert(0, str(HERE))
    try:
        from server.commands.cli import main
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.startswith("server"):
            raise
        sys.exit(f"{missing}: run `make setup` first")
    main()
