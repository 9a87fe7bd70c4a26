"""The first load of a staff phone: in pages, compressed, every row whole."""

import gzip
import json
from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from sync import changes
from tests.api.conftest import SignedIn
from tests.factories.county import County

ROWS = 2 * changes.PAGE + 200


def test_the_first_load_comes_in_compressed_pages(
    client: FlaskClient, office: County, signed_in: SignedIn, settle: Callable[[], None]
) -> None:
    me = f"person:{office.people['inspector'].id}"
    visits = {
        f"visit-{n}": {"n": n, "name": f"{n} 号商店", "items": ["消防通道", "应急灯"] * 5}
        for n in range(ROWS)
    }
    changes.publish_many(office.session, "visit", ((me, key, data) for key, data in visits.items()))
    office.session.commit()
    settle()
    headers = signed_in("inspector") | {"Accept-Encoding": "gzip"}
    told: list[dict[str, Any]] = []
    cursor, pages = None, 0
    while True:
        answer = client.get(
            "/api/v1/changes", query_string={"cursor": cursor} if cursor else {}, headers=headers
        )
        assert answer.headers["Content-Encoding"] == "gzip"
        whole = gzip.decompress(answer.data)
        assert len(answer.data) < len(whole) / 4
        page = json.loads(whole)
        told += page["changes"]
        cursor, pages = page["cursor"], pages + 1
        if not page["more"]:
            break
    assert pages == 3
    assert me in page["streams"]
    assert len(told) == ROWS
    assert {row["key"]: row["data"] for row in told} == visits
    nothing = client.get("/api/v1/changes", query_string={"cursor": cursor}, headers=headers)
    assert nothing.get_json()["changes"] == []
