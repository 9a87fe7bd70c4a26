"""Which enterprises somebody may look up."""

from server.identity.rules import Role

BY_AREA = (Role.INSPECTOR, Role.GRID_HEAD, Role.DESK, Role.LEADER, Role.ADMIN)
"""They see the enterprises of the areas that they hold the role for."""
BY_UNIT = (Role.HANDLER, Role.UNIT_HEAD)
"""They see those of their town; departments learn of an enterprise from the case that lies with them."""
METRES_PER_DEGREE = 111_195.0
"""Of latitude, on a sphere."""


def words_of(query: str) -> list[str]:
    """The words to find, at most five: each must occur."""
    return query.split()[:5]
