import { computed, type EffectScope, effectScope } from 'vue';
import { useDraft } from '../draft';
import { mine } from '../sending';
import { personId, session } from '../session';
import { known } from '../sync';
import type { Enterprise, Visit } from '../wire';
import { beginVisit, type VisitData } from './patrol';

type VisitDraft = ReturnType<typeof useDraft<VisitData>>;

// The checklist, the hazard and the summary are screens of one form: they share one live object, so that none of them
// reads what another has not yet written.
const live = new Map<string, { scope: EffectScope; draft: VisitDraft }>();
const keyOf = (id: string) => `${personId()} ${id}`;

const NOBODY: VisitData = {
  visit_id: '', enterprise_id: '', enterprise_name: '', checklist_id: '', started_at: '', answers: {}, hazards: [], signatures: [],
};

function draftOf(id: string, visit: Visit | null, enterprise: Enterprise | null): VisitDraft {
  const open = live.get(keyOf(id));
  if (open) return open.draft;
  const begun = mine.value.find((draft) => draft.kind === 'inspection' && draft.data['visit_id'] === id) ?? null;
  const make = () =>
    useDraft<VisitData>('inspection', begun, () =>
      visit && enterprise ? beginVisit(visit, enterprise, session.person?.name ?? '', new Date()) : structuredClone(NOBODY),
    );
  if (!begun && !(visit && enterprise)) return make(); // nothing to keep: the screen says that this phone knows it not
  const scope = effectScope(true);
  const draft = scope.run(make) as VisitDraft;
  live.set(keyOf(id), { scope, draft });
  return draft;
}

/** A visit with its enterprise, checklist and the one draft that all its screens share; null where this phone knows it not. */
export function useVisit(id: string) {
  const visit = computed(() => known.visits.get(id) ?? null);
  const enterprise = computed(() => (visit.value && known.enterprises.get(visit.value.enterprise_id)) ?? null);
  const checklist = computed(() => (visit.value && known.checklists.get(visit.value.checklist_id)) ?? null);
  return { visit, enterprise, checklist, draft: draftOf(id, visit.value, enterprise.value) };
}

/** After submitting or discarding: the form is over. */
export function endVisit(id: string): void {
  const open = live.get(keyOf(id));
  open?.draft.end();
  open?.scope.stop();
  live.delete(keyOf(id));
}
