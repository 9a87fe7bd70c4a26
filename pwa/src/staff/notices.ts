/** The inbox of notices on this phone: what is new, newest first, and how much of it is unread. */
import { computed } from 'vue';
import { useI18n } from 'vue-i18n';
import { known } from './sync';
import type { Notice } from './wire';
import { useWords } from './words';

export const notices = computed(() => [...known.notices.values()].sort((a, b) => b.at.localeCompare(a.at)));
export const unread = computed(() => notices.value.filter((one) => !one.read_at));

/** What a notice says, in the person's language; call in setup(). */
export function useNoticeWords() {
  const { t, te } = useI18n();
  const { day, word } = useWords();
  return (one: Notice): string => {
    const told = one.params;
    const said = (name: string) => String(told[name] ?? '');
    if (!te(`notice.${one.code}`)) return t('notice.other');
    return t(`notice.${one.code}`, {
      case: said('title') || said('number'),
      term: word('clock', said('term')),
      day: told['due_at'] ? day(said('due_at')) : '',
      step: word('stepDone', said('step')),
      channel: word('noticeChannel', said('channel')),
    });
  };
}
