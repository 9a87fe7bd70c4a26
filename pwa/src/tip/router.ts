import { createRouter, createWebHistory } from 'vue-router';
import Home from './pages/Home.vue';

const PLACE = 'gridwatch.tip.reading';
/** Keeps where the report was being read, for whoever comes back by a link or by loading the page anew. */
function keepPlace(top: number): void {
  try {
    sessionStorage.setItem(PLACE, String(top));
  } catch {
    // The report then opens at its top.
  }
}
function keptPlace(): number {
  try {
    return Number(sessionStorage.getItem(PLACE));
  } catch {
    return 0;
  }
}

/** Resolves when the page is long enough to stand at `top` (photos and words come from the phone's storage), or after 2 s. */
function longEnough(top: number): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      observer.disconnect();
      resolve();
    };
    const observer = new ResizeObserver(() => document.documentElement.scrollHeight >= Math.floor(top) + window.innerHeight && done());
    observer.observe(document.body);
    setTimeout(done, 2000);
  });
}

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
  scrollBehavior: async (to, from, saved) => {
    const top = saved?.top ?? (to.name === 'report' ? keptPlace() : 0);
    if (top) await longEnough(top);
    // The first page is at its top already; asking for that would only force a layout.
    const moves = top > 0 || from.matched.length > 0;
    return moves && router.currentRoute.value.fullPath === to.fullPath && { top };
  },
});
router.beforeEach((to, from) => {
  if (from.name === 'report') keepPlace(to.name === 'sent' ? 0 : window.scrollY);
});
window.addEventListener('pagehide', () => {
  if (router.currentRoute.value.name === 'report') keepPlace(window.scrollY);
});

// A page chunk that is gone after an update of the server: the newest shell has the right one.
router.onError((error, to) => {
  if (/dynamically imported module|Importing a module/i.test(String(error))) location.assign(router.resolve(to).href);
});
