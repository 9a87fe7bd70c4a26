import { createRouter, createWebHistory, type RouteLocationRaw } from 'vue-router';
import { has, session } from './session';

/** Where somebody begins: what their role does all day. */
export function home(): RouteLocationRaw {
  if (has('desk')) return { name: 'desk' };
  if (has('leader')) return { name: 'to-sign' };
  if (has('inspector') || has('grid_head')) return { name: 'today' };
  if (has('handler') || has('unit_head')) return { name: 'inbox' };
  return { name: 'me' };
}

declare module 'vue-router' {
  interface RouteMeta {
    /** Shown without sign-in. */
    open?: boolean;
    /** One of the places of the bar; others are one level deeper and carry "back". */
    place?: boolean;
    /** Uses the whole width on wide screens. */
    full?: boolean;
  }
}

export const router = createRouter({
  history: createWebHistory(import.meta.env.BASE_URL),
  routes: [
    { path: '/', redirect: () => (session.person ? home() : { name: 'sign-in' }) },
    { path: '/sign-in', name: 'sign-in', component: () => import('./SignIn.vue'), meta: { open: true } },
    { path: '/today', name: 'today', component: () => import('./patrol/Today.vue'), meta: { place: true } },
    { path: '/visits/:id', name: 'visit', component: () => import('./patrol/VisitPage.vue'), props: true },
    { path: '/visits/:id/end', name: 'visit-end', component: () => import('./patrol/VisitEnd.vue'), props: true },
    { path: '/visits/:id/hazards/:hazard', name: 'visit-hazard', component: () => import('./patrol/VisitHazard.vue'), props: true },
    { path: '/hazards/:id', name: 'hazard', component: () => import('./patrol/LoneHazard.vue'), props: true },
    { path: '/enterprises/:id', name: 'enterprise', component: () => import('./patrol/EnterprisePage.vue'), props: true },
    { path: '/enterprises/:id/edit', name: 'enterprise-edit', component: () => import('./patrol/EnterpriseEdit.vue'), props: true },
    { path: '/conflicts', name: 'conflicts', component: () => import('./desk/Conflicts.vue') },
    { path: '/inbox', name: 'inbox', component: () => import('./unit/Inbox.vue'), meta: { place: true } },
    { path: '/entry', name: 'entry', component: () => import('./desk/Entry.vue') },
    { path: '/entered/:id', name: 'entered', component: () => import('./desk/Entered.vue'), props: true },
    { path: '/templates', name: 'templates', component: () => import('./unit/Templates.vue') },
    { path: '/routing-rules', name: 'routing-rules', component: () => import('./settings/RoutingRules.vue') },
    { path: '/calendar', name: 'calendar', component: () => import('./settings/Calendar.vue') },
    { path: '/clock-rules', name: 'clock-rules', component: () => import('./settings/Clocks.vue') },
    { path: '/triage-costs', name: 'triage-costs', component: () => import('./settings/Costs.vue') },
    { path: '/to-sign', name: 'to-sign', component: () => import('./leader/ToSign.vue'), meta: { place: true } },
    {
      path: '/desk/:queue?/:id?',
      name: 'desk',
      component: () => import('./desk/Desk.vue'),
      props: (route) => ({ queue: String(route.params['queue'] || 'new'), id: (route.params['id'] as string) || null }),
      meta: { place: true, full: true },
    },
    { path: '/cases/:id', name: 'case', component: () => import('./cases/CasePage.vue'), props: true },
    { path: '/notices', name: 'notices', component: () => import('./NoticesPage.vue') },
    { path: '/outbox', name: 'outbox', component: () => import('./OutboxPage.vue'), meta: { place: true } },
    { path: '/me', name: 'me', component: () => import('./Me.vue'), meta: { place: true } },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach((to) => {
  if (!to.meta.open && !session.person) return { name: 'sign-in', query: to.fullPath === '/' ? {} : { to: to.fullPath } };
  return true;
});
