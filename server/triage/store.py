"""Where reports are found again: their keys, and what was read out of them, in two ordinary tables.

The same statements serve the county's store and the scratch schema of `eval triage`; they name no schema.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from server.triage import keys, rules
from server.triage.keys import Kind
from server.triage.models import BlockingKey, Digest
from server.triage.reading import Place, Told, place_by_others

Found = dict[uuid.UUID, Told]
Row = tuple[uuid.UUID, int, datetime, bool, str]
"""A candidate as it lies in the store: id, order, arrival, closed, facts as JSON."""
Connection = sa.Connection
AGAIN_MOST = 10
"""Of closed matters of the last year."""

_WANTED = """
WITH wanted AS (
  SELECT * FROM unnest(CAST(:keys AS bigint[]), CAST(:weights AS real[]), CAST(:mosts AS integer[]))
  AS w(key, weight, most)
),
best AS (
  SELECT found.report_id, sum(wanted.weight)
    + CASE WHEN bool_or(found.kind = ANY(CAST(:kinds AS smallint[]))) THEN :same_kind ELSE 0 END AS weight
  FROM wanted CROSS JOIN LATERAL ({found}) AS found
  WHERE found.report_id <> :own
  GROUP BY found.report_id
  ORDER BY weight DESC, max(found.received_at) DESC, found.report_id DESC
  LIMIT :limit
)
SELECT digest.report_id, digest.seq, digest.received_at, digest.closed_at IS NOT NULL AS closed,
  digest.facts::text AS facts
FROM best JOIN digest USING (report_id)
ORDER BY best.weight DESC, digest.seq DESC
"""
_NEWEST = """(SELECT report_id, received_at, kind FROM blocking_key
WHERE key = wanted.key AND {condition} ORDER BY received_at DESC LIMIT {most})"""
_RECENT = _NEWEST.format(condition="received_at BETWEEN :since AND :until", most="wanted.most")
_OPEN = _NEWEST.format(condition="closed_at IS NULL AND received_at < :since", most="wanted.most")
_AGAIN = _NEWEST.format(
    condition="closed_at IS NOT NULL AND received_at >= :year AND received_at < :since", most="5"
)


def _statement(found: str) -> sa.TextClause:
    return sa.text(_WANTED.format(found=found)).bindparams(
        sa.bindparam("own", type_=sa.Uuid()),
        sa.bindparam("same_kind", type_=sa.REAL()),
    )


RECENT = _statement(_RECENT)
RECENT_OR_OPEN = _statement(f"{_RECENT} UNION {_OPEN}")
CLOSED_WITHIN_A_YEAR = _statement(_AGAIN)
KEEP = sa.text(
    """
WITH kept AS (
  INSERT INTO digest (report_id, seq, received_at, facts) VALUES (:id, :seq, :at, :facts)
  ON CONFLICT (report_id) DO UPDATE SET facts = excluded.facts
  RETURNING closed_at
)
INSERT INTO blocking_key (key, received_at, report_id, closed_at, kind)
SELECT key, :at, :id, kept.closed_at, :kind FROM kept CROSS JOIN unnest(CAST(:keys AS bigint[])) AS key
ON CONFLICT DO NOTHING
"""
).bindparams(
    sa.bindparam("id", type_=sa.Uuid()),
    sa.bindparam("at", type_=sa.DateTime(timezone=True)),
    sa.bindparam("facts", type_=JSONB()),
    sa.bindparam("kind", type_=sa.SmallInteger()),
)
PLACES = sa.text(
    f"""
SELECT wanted.weight, array_agg(named.place) AS places
FROM unnest(CAST(:keys AS bigint[]), CAST(:weights AS real[])) AS wanted(key, weight) CROSS JOIN LATERAL (
  SELECT digest.facts -> 'place' AS place
  FROM (
    SELECT report_id FROM blocking_key WHERE key = wanted.key AND report_id <> :own
    ORDER BY received_at DESC LIMIT {keys.PLACES}
  ) AS newest JOIN digest USING (report_id)
  WHERE jsonb_typeof(digest.facts -> 'place') = 'array' AND NOT (digest.facts -> 'guessed')::boolean
) AS named
GROUP BY wanted.key, wanted.weight
"""  # noqa: S608 - a number of ours
).bindparams(
    sa.bindparam("own", type_=sa.Uuid()),
)


def _array(values: Iterable[float]) -> str:
    """As PostgreSQL reads it; a list is written value by value, and slower."""
    return "{" + ",".join(map(str, values)) + "}"


def keep(connection: Connection, report_id: uuid.UUID, told: Told) -> None:
    """Keep what was read and the keys under which it is found; doing it again adds what is new."""
    given = {
        "id": report_id,
        "seq": told.seq,
        "at": told.received_at,
        "facts": told.stored(),
        "keys": _array(keys.numbered(keys.own_keys(told))),
        "kind": keys.own_kind(told),
    }
    connection.execute(KEEP, given)


def candidates(
    connection: Connection,
    report_id: uuid.UUID,
    told: Told,
    sought: Mapping[str, Kind],
    statement: sa.TextClause = RECENT_OR_OPEN,
    limit: int = rules.CANDIDATES,
) -> list[Row]:
    """The other reports that share the weightiest keys, within 30 days or still open.

    Each key gives its newest few by index, so the work does not grow with the store.
    """
    if not sought:
        return []
    at = told.received_at
    given = {
        "keys": _array(map(keys.number, sought)),
        "weights": _array(kind.weight for kind in sought.values()),
        "mosts": _array(kind.limit for kind in sought.values()),
        "own": report_id,
        "kinds": _array(keys.sought_kinds(told)),
        "same_kind": keys.SAME_KIND,
        "since": at - rules.WINDOW,
        "until": at + rules.WINDOW,
        "year": at - rules.AGAIN,
        "limit": limit,
    }
    found = connection.execute(statement, {name: given[name] for name in statement._bindparams})
    return [tuple(row) for row in found.all()]


def read(rows: Iterable[Row]) -> Found:
    """Candidates, ready to be compared."""
    return {id_: Told.from_stored(seq, at, closed, json.loads(facts)) for id_, seq, at, closed, facts in rows}


def look_around(
    connection: Connection, report_id: uuid.UUID, told: Told, statement: sa.TextClause = RECENT_OR_OPEN
) -> tuple[Told, list[Row]]:
    """The candidates; whoever gave no place is looked for where what it names was, whenever that was."""
    if told.place is None and (guess := _place_by_others(connection, report_id, told)):
        told = told.at(guess)
    return told, candidates(connection, report_id, told, keys.sought_keys(told), statement)


def _place_by_others(connection: Connection, report_id: uuid.UUID, told: Told) -> Place | None:
    weights = keys.place_keys(told)
    if not weights:
        return None
    given = {
        "keys": _array(map(keys.number, weights)),
        "weights": _array(weights.values()),
        "own": report_id,
    }
    rows = connection.execute(PLACES, given)
    return place_by_others((row.weight, [Place(*place) for place in row.places]) for row in rows)


def mark_closed(connection: Connection, report_ids: Iterable[uuid.UUID], at: datetime | None) -> None:
    """Their matter was closed, or opened again (None)."""
    ids = list(report_ids)
    for table in (BlockingKey, Digest):
        connection.execute(sa.update(table).where(table.report_id.in_(ids)).values(closed_at=at))
