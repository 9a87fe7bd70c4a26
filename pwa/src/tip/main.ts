import '@/ui/tokens.css';
import '@/ui/page.css';
import { createApp } from 'vue';
import own from '@/i18n/tip/zh-CN.json';
import shared from '@/i18n/shared/zh-CN.json';
import { followAppearance } from '@/ui/appearance';
import { loadI18n } from '@/ui/i18n';
import { registerServiceWorker } from '@/ui/update';
import App from './App.vue';

async function start(): Promise<void> {
  followAppearance();
  const i18n = await loadI18n([shared, own], {
    en: () => Promise.all([import('@/i18n/shared/en.json'), import('@/i18n/tip/en.json')]),
  });
  createApp(App).use(i18n).mount('#app');
  registerServiceWorker(import.meta.env.BASE_URL);
}

void start();
