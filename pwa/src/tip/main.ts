import '@/ui/tokens.css';
import '@/ui/page.css';
import './tip.css';
import { createApp } from 'vue';
import own from '@/i18n/tip/zh-CN.json';
import shared from '@/i18n/shared/zh-CN.json';
import { followAppearance } from '@/ui/appearance';
import { loadI18n } from '@/ui/i18n';
import { registerServiceWorker } from '@/ui/update';
import App from './App.vue';
import { hasReportedHere, openMailbox } from './mailbox';
import { router } from './router';

async function start(): Promise<void> {
  followAppearance();
  const i18n = await loadI18n([shared, own], {
    en: () => Promise.all([import('@/i18n/shared/en.json'), import('@/i18n/tip/en.json')]),
  });
  const app = createApp(App).use(i18n).use(router);
  await router.isReady().catch(() => undefined); // a page that is gone is the router's to mend
  await new Promise((go) => setTimeout(go)); // a slow phone draws breath between the two halves of the start
  app.mount('#app');
  registerServiceWorker(import.meta.env.BASE_URL);
  // What waits from last time goes out once the first screen stands. Who has not reported from this phone has nothing
  // waiting, and their old phone is left in peace while they read.
  const soon = window.requestIdleCallback ?? ((run: () => void) => setTimeout(run, 300));
  const open = () => void openMailbox().catch(() => undefined);
  if (hasReportedHere()) soon(open);
  else setTimeout(open, 8000);
}

void start();
