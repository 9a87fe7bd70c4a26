import { createRouter, createWebHistory } from 'vue-router';
import Home from './pages/Home.vue';

export const router = createRouter({
  history: createWebHistory('/tip/'),
  routes: [
    { path: '/', name: 'home', component: Home },
    { path: '/report', name: 'report', component: () => import('./pages/Report.vue') },
    { path: '/sent/:id', name: 'sent', component: () => import('./pages/Sent.vue'), props: true },
    { path: '/progress', name: 'progress', component: () => import('./pages/Progress.vue') },
    { path: '/outbox', name: 'outbox', component: () => import('./pages/Waiting.vue') },
    { path: '/protection', name: 'protection', component: () => import('./pages/Protection.vue') },
    { path: '/settings', name: 'settings', component: () => import('./pages/Settings.vue') },
    { path: '/:rest(.*)*', redirect: '/' },
  ],
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

// A page chunk that is gone after an update of the server: the newest shell has the right one.
router.onError((error, to) => {
  if (/dynamically imported module|Importing a module/i.test(String(error))) location.assign(router.resolve(to).href);
});
