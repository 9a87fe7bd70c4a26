/** Shapes of the server's interface that the staff app reads (docs: the OpenAPI page). Times are UTC ISO 8601. */

import type { components } from '@/api/schema';

export type Preview = components['schemas']['Preview'];
export type Template = components['schemas']['Template'];
export type RuleSet = components['schemas']['RuleSet'];
export type RoutingRule = components['schemas']['RoutingRule'];
export type RoutingTrial = components['schemas']['Trial'];
export type Role = 'inspector' | 'grid_head' | 'desk' | 'leader' | 'handler' | 'unit_head' | 'reward_officer' | 'admin';
/** A line of the inbox; the words for `code` are in i18n `notice.*`. */
export type Notice = { id: string; at: string; code: string; params: Record<string, unknown>; case_id: string | null; read_at: string | null };
export type Risk = 'red' | 'orange' | 'yellow' | 'blue';
export type Reason = { code: string; params: Record<string, unknown> };
export type Flag = { code: string; field: string | null; detail: string | null };

export type Grant = {
  role: Role;
  area_code: string | null;
  area_name: string | null;
  unit_id: string | null;
  unit_name: string | null;
};
export type Person = { id: string; name: string; login: string; grants: Grant[] };
export type SignedIn = { access_token: string; expires_at: string; person: Person };

export type Medium = {
  id: string;
  kind: 'photo' | 'video' | 'audio' | 'other' | null;
  state: 'expected' | 'ready' | 'set_aside';
  mime: string | null;
  width: number | null;
  height: number | null;
  duration_s: number | null;
  captured_at: string | null;
  flags: unknown[];
};
export type Place = { lat: number | null; lng: number | null; accuracy_m: number | null; source: string | null; words: string };

export type StepField = {
  name: string;
  type: 'text' | 'choice' | 'names' | 'unit' | 'sector' | 'case' | 'report' | 'date' | 'money' | 'yes_no' | 'signature';
  required: boolean;
  choices: string[];
  min_length: number;
  max_length: number;
  min_items: number;
  within_days: number | null;
  reporter_reads: boolean;
};
/** Who signs and the lines drawn, each x, y, x, y … on a paper of 1000 by 400; none when it was typed. */
export type Signature = { name: string; strokes: number[][] };
/** `undo_s`: so long the desk may take it back, before it is sent. */
export type Step = { step: string; fields: StepField[]; from_spot: boolean; aside: boolean; undo_s: number; not_for: string[] };
export type CaseEvent = {
  id: string;
  at: string;
  actor_name: string;
  step: string;
  from_state: string | null;
  to_state: string;
  fields: Record<string, unknown>;
  late: boolean;
  media: Medium[];
};
/** `due_at` null: the calendar does not know the year yet. */
/** A time that the case spent in one state, with whoever had to lead it on. */
export type Stay = { state: string; roles: string[]; unit_id: string | null; unit_name: string | null; since: string; until: string | null };
export type CaseClock = { name: string; started_at: string; due_at: string | null; paused_at: string | null; ended_at: string | null };

/** 转办单: all that a unit reads of a case, and what its phones keep. */
export type CaseSheet = {
  id: string;
  number: string;
  state: string;
  version: number;
  title: string;
  matter: string;
  kind: string;
  risk: Risk | null;
  urgent: boolean;
  sides: string[];
  area_name: string | null;
  enterprise: string | null;
  enterprise_id: string | null;
  place: Place | null;
  sector_no: number | null;
  unit_id: string | null;
  unit_name: string | null;
  first_received_at: string;
  accepted_at: string | null;
  closed_at: string | null;
  due_at: string | null;
  finding: string | null;
  reply: string | null;
  replied_at: string | null;
  reward: string | null;
  media: Medium[];
  history: CaseEvent[];
  stays: Stay[];
  clocks: CaseClock[];
  steps: Step[];
};

export type CaseRow = {
  id: string;
  number: string;
  state: string;
  version: number;
  title: string;
  matter: string;
  sector_no: number | null;
  kind: string;
  risk: Risk | null;
  area_name: string | null;
  enterprise: string | null;
  first_received_at: string;
  due_at: string | null;
  text: string;
  thumb: string | null;
  media_count: number;
  suggested_duplicates: number;
  urgent: boolean;
  flags: string[];
  unit_name: string | null;
};

export type Message = { id: string; at: string; from_reporter: boolean; text: string; media: Medium[] };
export type ReportView = {
  id: string;
  number: string;
  seq: number;
  kind: string;
  channel: string;
  received_at: string;
  captured_at: string | null;
  /** The day a letter, call or visit reached the office, and who wrote it down. */
  arrived_on: string | null;
  entered_by: string | null;
  text: string;
  hazard_type: string | null;
  level: string | null;
  clause: string | null;
  due_on: string | null;
  fixed_on_spot: boolean;
  place: Place | null;
  area_name: string | null;
  enterprise: string | null;
  enterprise_words: string;
  inspector: string | null;
  named: boolean;
  wants_notice: boolean;
  /** The reporter holds a code and can read messages. */
  answerable: boolean;
  flags: Flag[];
  media: Medium[];
  messages: Message[];
  satisfaction: { at: string; satisfied: boolean; reason: string } | null;
};
export type OtherReport = {
  case_id: string;
  number: string;
  state: string;
  text: string;
  received_at: string;
  place: Place | null;
  enterprise: string | null;
  media: Medium[];
};
export type Suggestion = { id: string; score: number; reasons: Reason[]; judged: string | null; other: OtherReport };
export type SectorRank = { sector_no: number; title: string; p: number; reasons: Reason[] };

/** A case as the desk reads it; for a unit the lists of reports, suggestions and proposals are empty. */
export type CasePage = CaseSheet &
  CaseRow & {
    proposed: { unit: { id: string; name: string }; rule: string; reasons: Reason[] } | null;
    sectors: SectorRank[];
    reports: ReportView[];
    suggestions: Suggestion[];
    merged_into: string | null;
  };
export type CaseRows = { items: CaseRow[]; next: string | null };

/** A queue with filters under a name; the query is that of the address bar. */
export type SavedView = { id: string; name: string; shared: boolean; query: Record<string, unknown>; mine: boolean };
/** `more`: there are more than were counted. */
export type Queue = { code: string; count: number; more: boolean };
export type Unit = { id: string; code: string; name: string; is_town: boolean; enforces: boolean };
export type SectorUnit = { id: string | null; name: string; by_place: boolean; enforces: boolean };
export type Sector = { no: number; title: string; lead: SectorUnit; units: SectorUnit[] };
export type HazardType = { code: string; name: string; name_en: string; clause: string | null };

export type Enterprise = {
  id: string;
  uscc: string | null;
  name: string;
  short_name: string | null;
  area_name: string | null;
  address: string;
  lat: number | null;
  lng: number | null;
  sector_no: number;
  risk: Risk;
  contact_name: string | null;
  contact_phone: string | null;
  active: boolean;
  version: number;
};
/** A field of an enterprise's file with two values; `was` is what the sender saw. */
export type FileConflict = components['schemas']['Conflict'];
export type ChecklistItem = { id: string; text: string; text_en?: string | null; clause: string | null };
export type Checklist = {
  id: string;
  code: string;
  version: number;
  title: string;
  sector_no: number | null;
  items: ChecklistItem[];
};
export type Visit = {
  id: string;
  enterprise_id: string;
  checklist_id: string;
  due_on: string;
  reason: 'due' | 'recheck' | 'pushed';
  state: 'planned' | 'done';
  done_at: string | null;
};

export type Change = { stream: string; topic: string; key: string; data: unknown; deleted: boolean };
export type Changes = { epoch: string; streams: string[]; changes: Change[]; cursor: string; more: boolean };
