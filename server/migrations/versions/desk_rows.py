"""What the desk finds cases by: one row for each, kept by triggers; and saved views."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "desk_rows"
down_revision = "reply_templates"
branch_labels = None
depends_on = None

GRAMS = """
CREATE FUNCTION grams(words text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5000 AS $$
  SELECT coalesce(array_agg(DISTINCT gram), '{}') FROM (
    SELECT CASE WHEN one COLLATE "C" >= '一' THEN one END AS gram FROM string_to_table(words, NULL) one
    UNION ALL
    SELECT one || next FROM (
      SELECT one, lead(one) OVER (ORDER BY n) AS next
      FROM string_to_table(words, NULL) WITH ORDINALITY AS parts(one, n)
    ) pairs
    WHERE one ~ '[^[:space:][:punct:]]' AND next ~ '[^[:space:][:punct:]]' AND NOT (one ~ '[0-9]' AND next ~ '[0-9]')
    UNION ALL
    SELECT ltrim(run[1], '0') FROM regexp_matches(words, '[0-9]+', 'g') run
  ) all_grams WHERE gram <> ''
$$
"""
"""Every Chinese character, every two neighbours (not of digits), every number without leading zeros."""

SOUGHT = """
CREATE FUNCTION sought(term text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
  SELECT coalesce(array_agg(gram), '{}') FROM unnest(grams(term)) gram
  WHERE length(term) = 1 OR length(gram) > 1 OR gram ~ '[0-9]'
$$
"""
"""The grams that a row must have to hold the term; single characters, which are common, only where it is one."""

VIEW = """
CREATE VIEW desk_row_now AS
SELECT
  c.id AS case_id,
  c.state,
  coalesce(area.path || '/', '') AS area_path,
  (NOT c.urgent)::int AS rank,
  c.first_received_at AS received_at,
  clock.due_at,
  coalesce(clock.due_at, c.first_received_at) AS sort_at,
  (
    SELECT count(*)::int FROM duplicate_suggestion suggestion
    WHERE suggestion.report_id = ANY (reports.ids) AND suggestion.judged IS NULL
  ) AS suspected,
  array_remove(ARRAY[
    'kind:' || c.kind,
    'risk:' || c.risk,
    'sector:' || coalesce(
      c.sector_no::text,
      (SELECT ranked #>> '{0,sector_no}' FROM sector_proposal WHERE report_id = reports.ids[1])
    ),
    'unit:' || coalesce(c.unit_id, (SELECT unit_id FROM routing_proposal WHERE report_id = reports.ids[1])),
    'at:' || c.unit_id,
    CASE WHEN c.urgent THEN 'urgent' END,
    CASE WHEN c.unsatisfied THEN 'unsatisfied' END
  ], NULL) || ARRAY(
    SELECT DISTINCT 'by:' || actor_id FROM case_event WHERE case_event.case_id = c.id AND actor_id IS NOT NULL
  ) AS facets,
  lower(normalize(concat_ws(
    E'\\n', c.number, c.title, c.matter, c.reply, firm.name, firm.uscc, firm.contact_phone, reports.words
  ), NFKC)) AS words
FROM "case" c
LEFT JOIN area ON area.id = c.area_id
LEFT JOIN enterprise firm ON firm.id = c.enterprise_id
CROSS JOIN LATERAL (
  SELECT min(due_at) AS due_at FROM case_clock WHERE case_clock.case_id = c.id AND ended_at IS NULL
) clock
CROSS JOIN LATERAL (
  SELECT
    array_agg(report.id ORDER BY seq) AS ids,
    string_agg(concat_ws(E'\\n', report.number, text, place_words, enterprise_words), E'\\n' ORDER BY seq) AS words
  FROM case_report JOIN report ON report.id = case_report.report_id
  WHERE case_report.case_id = c.id AND left_at IS NULL
) reports
"""

REFRESH = """
CREATE FUNCTION refresh_desk_row(changed uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- Whoever changes something else of the case meanwhile waits, and then sees this change.
  PERFORM 1 FROM "case" WHERE id = changed FOR NO KEY UPDATE;
  INSERT INTO desk_row
    SELECT case_id, state, area_path, rank, received_at, due_at, sort_at, suspected, facets, words
    FROM desk_row_now WHERE case_id = changed
  ON CONFLICT (case_id) DO UPDATE SET
    (state, area_path, rank, received_at, due_at, sort_at, suspected, facets, words) =
    (excluded.state, excluded.area_path, excluded.rank, excluded.received_at, excluded.due_at, excluded.sort_at,
     excluded.suspected, excluded.facets, excluded.words)
  WHERE desk_row IS DISTINCT FROM excluded;
END $$
"""

CALLERS = {
    "case": "PERFORM refresh_desk_row(NEW.id);",
    "of_case": "PERFORM refresh_desk_row(coalesce(NEW.case_id, OLD.case_id));",
    "of_report": """PERFORM refresh_desk_row(case_id) FROM case_report
        WHERE report_id = coalesce(NEW.report_id, OLD.report_id) AND left_at IS NULL;""",
    "enterprise": """PERFORM refresh_desk_row(id) FROM "case" WHERE enterprise_id = NEW.id;""",
    "area": """PERFORM refresh_desk_row(id) FROM "case" WHERE area_id = NEW.id;""",
}
"""What a change of a row has to look at again."""

TRIGGERS = (
    ('"case"', "INSERT OR UPDATE", "case", ""),
    ("case_report", "INSERT OR UPDATE OR DELETE", "of_case", ""),
    ("case_event", "INSERT", "of_case", ""),
    ("case_clock", "INSERT OR UPDATE OR DELETE", "of_case", ""),
    ("duplicate_suggestion", "INSERT OR UPDATE OR DELETE", "of_report", ""),
    ("sector_proposal", "INSERT OR UPDATE OR DELETE", "of_report", ""),
    ("routing_proposal", "INSERT OR UPDATE OR DELETE", "of_report", ""),
    ("enterprise", "UPDATE", "enterprise", "WHEN (NEW.name <> OLD.name)"),
    ("area", "UPDATE", "area", "WHEN (NEW.path <> OLD.path)"),
)


def upgrade() -> None:
    op.execute(GRAMS)
    op.execute(SOUGHT)
    op.create_table(
        "desk_row",
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("area_path", sa.Text(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sort_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("suspected", sa.Integer(), nullable=False),
        sa.Column("facets", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case.id"], name=op.f("fk_desk_row_case_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_desk_row")),
    )
    op.execute(VIEW)
    op.execute("INSERT INTO desk_row SELECT * FROM desk_row_now")
    op.execute("CREATE INDEX ix_desk_row_queue ON desk_row (state, rank, sort_at, received_at, case_id)")
    op.execute("CREATE INDEX ix_desk_row_received ON desk_row (received_at, case_id)")
    op.execute("CREATE INDEX ix_desk_row_area ON desk_row (state, area_path text_pattern_ops)")
    op.execute("CREATE INDEX ix_desk_row_due ON desk_row (due_at, case_id) WHERE due_at IS NOT NULL")
    op.execute(
        "CREATE INDEX ix_desk_row_area_due ON desk_row (area_path text_pattern_ops, due_at) WHERE due_at IS NOT NULL"
    )
    op.execute(
        "CREATE INDEX ix_desk_row_suspected ON desk_row (rank, sort_at, received_at, case_id) WHERE suspected > 0"
    )
    op.execute("CREATE INDEX ix_desk_row_facets ON desk_row USING gin (facets)")
    op.execute("CREATE INDEX ix_desk_row_grams ON desk_row USING gin (grams(words))")
    op.execute('CREATE INDEX ix_case_enterprise_id ON "case" (enterprise_id)')
    op.execute(REFRESH)
    for name, body in CALLERS.items():
        op.execute(
            f"CREATE FUNCTION desk_row_{name}() RETURNS trigger LANGUAGE plpgsql AS $$\n"
            f"BEGIN\n  {body}\n  RETURN NULL;\nEND $$"
        )
    for table, events, caller, when in TRIGGERS:
        op.execute(
            f"CREATE TRIGGER desk_row AFTER {events} ON {table} FOR EACH ROW {when} "
            f"EXECUTE FUNCTION desk_row_{caller}()"
        )
    op.create_table(
        "saved_view",
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column("query", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_saved_view_owner_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
    )
    op.create_index(op.f("ix_saved_view_owner_id"), "saved_view", ["owner_id"])
