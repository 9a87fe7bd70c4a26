/** What an inspector's phone keeps of a visit and its hazards, and the bodies that are sent of it (docs/architecture.md). */
import type { DraftMedium, JsonObject, SubmissionBody } from '@/outbox';
import { dayAhead } from '../day';
import type { Checklist, Enterprise, Visit } from '../wire';

export type Answer = 'yes' | 'no' | 'none';
export type Fix = { lat: number; lng: number; accuracy_m: number; source: 'gps' | 'pin' };

export type HazardData = {
  /** Id of its future submission, so that the inspection can name it. */
  id: string;
  item_id: string | null;
  hazard_type: string | null;
  clause: string;
  text: string;
  level: 'general' | 'major';
  fixed_on_spot: boolean;
  /** Date (county's calendar) by which it must be put right; null when it was fixed on the spot. */
  due_on: string | null;
  captured_at: string;
  place: Fix | null;
  place_words: string;
  /** Ids of media of the draft. */
  media: string[];
};
export type LoneHazardData = HazardData & { enterprise_id: string | null; enterprise_name: string };

export type VisitData = {
  visit_id: string;
  enterprise_id: string;
  enterprise_name: string;
  checklist_id: string;
  started_at: string;
  answers: Record<string, { answer: Answer | null; note: string; media: string[] }>;
  hazards: HazardData[];
  signatures: { name: string; role: 'inspector' | 'enterprise' }[];
};

/** A visit as it begins: nothing answered, the inspector's own name to sign with. */
export function beginVisit(visit: Visit, enterprise: Enterprise, inspector: string, now: Date): VisitData {
  return {
    visit_id: visit.id,
    enterprise_id: enterprise.id,
    enterprise_name: enterprise.name,
    checklist_id: visit.checklist_id,
    started_at: now.toISOString(),
    answers: {},
    hazards: [],
    signatures: [
      { name: inspector, role: 'inspector' },
      { name: enterprise.contact_name ?? '', role: 'enterprise' },
    ],
  };
}

export function beginHazard(id: string, now: Date): HazardData {
  return {
    id,
    item_id: null,
    hazard_type: null,
    clause: '',
    text: '',
    level: 'general',
    fixed_on_spot: false,
    due_on: dayAhead(7, now),
    captured_at: now.toISOString(),
    place: null,
    place_words: '',
    media: [],
  };
}

export function answered(data: VisitData, checklist: Checklist): number {
  return checklist.items.filter((item) => data.answers[item.id]?.answer).length;
}

/** The first item that is still open, or null. */
export function nextOpen(data: VisitData, checklist: Checklist): string | null {
  return checklist.items.find((item) => !data.answers[item.id]?.answer)?.id ?? null;
}

export type Fault = { field: 'what' | 'due_on' | 'names'; code: string };

/** What is still missing of a hazard before it can be sent: something to see or read of it, and a date unless fixed. */
export function faultsOfHazard(hazard: HazardData, today: string): Fault[] {
  const faults: Fault[] = [];
  if (!hazard.text.trim() && !hazard.clause && !hazard.hazard_type && hazard.media.length === 0) {
    faults.push({ field: 'what', code: 'hazard_empty' });
  }
  if (!hazard.fixed_on_spot && !hazard.due_on) faults.push({ field: 'due_on', code: 'due_missing' });
  if (!hazard.fixed_on_spot && hazard.due_on && hazard.due_on < today) faults.push({ field: 'due_on', code: 'due_past' });
  return faults;
}

const within = (hazard: HazardData, visit: { visit_id: string | null; enterprise_id: string | null; name: string }) =>
  ({
    captured_at: hazard.captured_at,
    text: hazard.text.trim(),
    hazard_type: hazard.hazard_type,
    place: hazard.place,
    place_words: hazard.place_words.trim(),
    enterprise_words: visit.enterprise_id ? '' : visit.name.trim(),
    named: true,
    wants_notice: false,
    visit_id: visit.visit_id,
    enterprise_id: visit.enterprise_id,
    item_id: hazard.item_id,
    clause: hazard.clause,
    level: hazard.level,
    fixed_on_spot: hazard.fixed_on_spot,
    due_on: hazard.fixed_on_spot ? null : hazard.due_on,
  }) satisfies JsonObject;

/** The media of one body and those stored ones that no form names: a photo taken right before the phone died. */
export const withStray = (named: readonly string[], stored: readonly string[]): string[] => [...named, ...stored.filter((id) => !named.includes(id))];

/** A hazard found outside a visit, as one submission. */
export function bodyOfHazard(hazard: LoneHazardData, label: string, stored: readonly string[]): SubmissionBody {
  const visit = { visit_id: null, enterprise_id: hazard.enterprise_id, name: hazard.enterprise_name };
  return { id: hazard.id, kind: 'hazard', body: within(hazard, visit), media: withStray(hazard.media, stored), urgent: hazard.level === 'major', label };
}

/** A whole visit: its hazards, and last the inspection that names them. Submitted as one commit. */
export function bodiesOfVisit(data: VisitData, stored: readonly Pick<DraftMedium, 'id' | 'sha256'>[], checklist: Checklist, label: (hazard: HazardData | null) => string, now: Date): SubmissionBody[] {
  const visit = { visit_id: data.visit_id, enterprise_id: data.enterprise_id, name: data.enterprise_name };
  const hazards = data.hazards.map((hazard): SubmissionBody => ({
    id: hazard.id,
    kind: 'hazard',
    body: within(hazard, visit),
    media: hazard.media,
    urgent: hazard.level === 'major',
    label: label(hazard),
  }));
  const given = checklist.items.flatMap((item) => {
    const one = data.answers[item.id];
    return one?.answer ? [{ item_id: item.id, answer: one.answer, note: one.note.trim(), media: stored.filter((medium) => one.media.includes(medium.id)).map((medium) => medium.sha256) }] : [];
  });
  return [
    ...hazards,
    {
      kind: 'inspection',
      body: {
        visit_id: data.visit_id,
        enterprise_id: data.enterprise_id,
        checklist_id: data.checklist_id,
        answers: given,
        hazards: data.hazards.map((hazard) => hazard.id),
        started_at: data.started_at,
        ended_at: now.toISOString(),
        signatures: data.signatures.filter((one) => one.name.trim()).map((one) => ({ name: one.name.trim(), role: one.role })),
      },
      // Also photos that no answer names, as when a hazard was left while its photo was being stored: nothing is dropped.
      media: stored.map((medium) => medium.id).filter((id) => !data.hazards.some((hazard) => hazard.media.includes(id))),
      label: label(null),
    },
  ];
}
