import { computed } from 'vue';
import { useDraft } from '../draft';
import { mine } from '../sending';
import { session } from '../session';
import { known } from '../sync';
import { beginVisit, type VisitData } from './patrol';

const NOBODY: VisitData = {
  visit_id: '', enterprise_id: '', enterprise_name: '', checklist_id: '', started_at: '', answers: {}, hazards: [], signatures: [],
};

/** A visit with its enterprise, checklist and the one draft that all its screens share; null where this phone knows it not. */
export function useVisit(id: string) {
  const visit = computed(() => known.visits.get(id) ?? null);
  const enterprise = computed(() => (visit.value && known.enterprises.get(visit.value.enterprise_id)) ?? null);
  const checklist = computed(() => (visit.value && known.checklists.get(visit.value.checklist_id)) ?? null);
  const begun = mine.value.find((draft) => draft.kind === 'inspection' && draft.data['visit_id'] === id) ?? null;
  const draft = useDraft<VisitData>('inspection', begun, () =>
    visit.value && enterprise.value ? beginVisit(visit.value, enterprise.value, session.person?.name ?? '', new Date()) : structuredClone(NOBODY),
  );
  return { visit, enterprise, checklist, draft };
}
