import { useI18n } from 'vue-i18n';
import { Problem, Unreachable } from './client';

/** Puts a failed request into a sentence that a person can act on; call in setup(). */
export function useProblemText(): (error: unknown) => string {
  const { t, te } = useI18n();
  return (error) => {
    if (error instanceof Unreachable) return t('problem.unreachable');
    if (error instanceof Problem) {
      const own = `problem.${error.code}`;
      if (te(own)) return t(own);
      const family = `problem.http.${error.status}`;
      if (te(family)) return t(family);
      if (error.detail) return error.detail;
    }
    return t('problem.unknown');
  };
}
