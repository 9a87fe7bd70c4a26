import '@/ui/tokens.css';
import '@/ui/page.css';
import './staff.css';
import { createApp } from 'vue';
import own from '@/i18n/staff/zh-CN.json';
import shared from '@/i18n/shared/zh-CN.json';
import { followAppearance } from '@/ui/appearance';
import { loadI18n } from '@/ui/i18n';
import { registerServiceWorker } from '@/ui/update';
import App from './App.vue';
import { startHeld } from './held';
import { router } from './router';
import { startSending } from './sending';
import { startSession } from './session';
import { startSync } from './sync';
import { openWork } from './work';

async function start(): Promise<void> {
  followAppearance();
  const i18n = await loadI18n([shared, own], {
    en: () => Promise.all([import('@/i18n/shared/en.json'), import('@/i18n/staff/en.json')]),
  });
  let storageWorks = true;
  try {
    const db = await openWork();
    await startSession(db);
    await startSending(db);
    await startSync(db);
    await startHeld();
  } catch {
    storageWorks = false; // the browser's database does not open: nothing could be kept, so say so instead of losing work
  }
  createApp(App, { storageWorks }).use(i18n).use(router).mount('#app');
  registerServiceWorker(import.meta.env.BASE_URL);
}

void start();
