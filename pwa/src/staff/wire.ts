/** Shapes of the server's interface that the staff app reads (docs: the OpenAPI page). Times are UTC ISO 8601. */

import type { components } from '@/api/schema';

type Schemas = components['schemas'];
export type Preview = Schemas['Preview'];
export type Template = Schemas['Template'];
export type RuleSet = Schemas['RuleSet'];
export type RoutingRule = Schemas['RoutingRule'];
export type RoutingTrial = Schemas['Trial'];
export type CalendarDay = Schemas['CalendarDay'];
export type ClockRule = Schemas['ClockRule'];
export type NewClockRule = Schemas['NewClockRule'];
export type OwnClockRule = Schemas['OwnClockRule'];
export type ClockRules = Schemas['ClockRules'];
export type Costs = Schemas['Costs'];
export type AreaCosts = Schemas['AreaCosts'];
export type AllCosts = Schemas['AllCosts'];
export type Area = Schemas['Area'];
/** A line of the inbox; the words for `code` are in i18n `notice.*`. It comes as a change, so it stands in no answer. */
export type Notice = { id: string; at: string; code: string; params: Record<string, unknown>; case_id: string | null; read_at: string | null };
export type Reason = Schemas['Reason'];
export type Flag = Schemas['Flag'];

export type Role = Schemas['Grant']['role'];
export type Person = Schemas['Person'];
export type SignedIn = Schemas['Session'];

export type Medium = Schemas['Medium'];
export type Place = Schemas['Place'];

export type StepField = Schemas['Field'];
/** Who signs and the lines drawn, each x, y, x, y … on a paper of 1000 by 400; none when it was typed. */
export type Signature = { name: string; strokes: number[][] };
export type Step = Schemas['AllowedStep'];
export type CaseEvent = Schemas['Event'];
export type Stay = Schemas['Stay'];

/** A case as the desk reads it; for a unit the lists of reports, suggestions and proposals are empty. */
export type CasePage = Schemas['CasePage'];
/** 转办单: all that a unit reads of a case, and what its phones keep. */
export type CaseSheet = Omit<
  CasePage,
  'text' | 'thumb' | 'media_count' | 'suggested_duplicates' | 'flags' | 'proposed' | 'sectors' | 'reports' | 'suggestions' | 'merged_into'
>;
export type CaseRow = Schemas['CaseRow'];
export type EnterpriseCase = Schemas['EnterpriseCase'];

export type ReportView = Schemas['Report'];
export type Suggestion = Schemas['SuspectedDuplicate'];

/** A queue with filters under a name; the query is that of the address bar. */
export type SavedView = Schemas['SavedView'];
export type Queue = Schemas['Queue'];
export type Unit = Schemas['Unit'];
export type Sector = Schemas['Sector'];
export type HazardType = Schemas['HazardType'];

/** A line of the register, as phones keep it: topic `enterprise`. */
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
  risk: NonNullable<CaseRow['risk']>;
  contact_name: string | null;
  contact_phone: string | null;
  active: boolean;
  version: number;
};
/** A field of an enterprise's file with two values; `was` is what the sender saw. */
export type FileConflict = Schemas['Conflict'];
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

export type Changes = Schemas['Changes'];
