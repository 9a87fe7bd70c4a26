"""The desk sees what a leader decides beside the main way; no paused clock, nor the reporter's, makes a case late."""

from alembic import op

revision = "desk_sides"
down_revision = "answer_read"
branch_labels = None
depends_on = None

VIEW = """
CREATE OR REPLACE VIEW desk_row_now AS
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
  ], NULL) || ARRAY(SELECT 'open:' || side FROM unnest(c.sides) side) || ARRAY(
    SELECT DISTINCT 'by:' || actor_id FROM case_event WHERE case_event.case_id = c.id AND actor_id IS NOT NULL
  ) AS facets,
  lower(normalize(concat_ws(
    E'\\n', c.number, c.title, c.matter, c.reply, firm.name, firm.uscc, firm.contact_phone, reports.words
  ), NFKC)) AS words
FROM "case" c
LEFT JOIN area ON area.id = c.area_id
LEFT JOIN enterprise firm ON firm.id = c.enterprise_id
CROSS JOIN LATERAL (
  SELECT min(due_at) AS due_at FROM case_clock
  WHERE case_clock.case_id = c.id AND ended_at IS NULL AND paused_at IS NULL AND name <> 'objection'
) clock
CROSS JOIN LATERAL (
  SELECT
    array_agg(report.id ORDER BY seq) AS ids,
    string_agg(concat_ws(E'\\n', report.number, text, place_words, enterprise_words), E'\\n' ORDER BY seq) AS words
  FROM case_report JOIN report ON report.id = case_report.report_id
  WHERE case_report.case_id = c.id AND left_at IS NULL
) reports
"""


def upgrade() -> None:
    op.execute(VIEW)
    op.execute(
        """
        INSERT INTO desk_row
          SELECT case_id, state, area_path, rank, received_at, due_at, sort_at, suspected, facets, words
          FROM desk_row_now
        ON CONFLICT (case_id) DO UPDATE SET
          (due_at, sort_at, facets) = (excluded.due_at, excluded.sort_at, excluded.facets)
        """
    )
