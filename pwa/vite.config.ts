import { fileURLToPath } from 'node:url';
import VueI18n from '@intlify/unplugin-vue-i18n/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** What differs between the two apps: everything else is one source. */
const APPS = {
  tip: {
    name: '网格哨 · 举报安全隐患',
    short_name: '网格哨',
    description: '看到安全隐患，拍一拍，没有信号也能举报。',
  },
  staff: {
    name: '网格哨 · 工作端',
    short_name: '网格哨工作端',
    description: '网格员巡查、受理台和责任单位办理。',
  },
} as const;

// Two builds rather than two VitePWA instances in one: those put both manifests into both pages
// and would precache staff code in the public app.
export default defineConfig(({ mode }) => {
  const app = mode === 'staff' ? 'staff' : 'tip';
  const base = `/${app}/`;
  const server = process.env['GRIDWATCH_SERVER'] ?? 'http://127.0.0.1:8000';
  return {
    root: here(`./src/${app}`),
    base,
    publicDir: here(`./public/${app}`),
    cacheDir: here(`./node_modules/.vite-${app}`),
    resolve: { alias: { '@': here('./src') } },
    define: {
      __VUE_OPTIONS_API__: 'true', // Vant's components use it
      __VUE_PROD_DEVTOOLS__: 'false',
      __VUE_I18N_FULL_INSTALL__: 'false',
      __VUE_I18N_LEGACY_API__: 'false',
      __INTLIFY_PROD_DEVTOOLS__: 'false',
      __APP_VERSION__: JSON.stringify(process.env['npm_package_version'] ?? '0'),
    },
    worker: { format: 'es' },
    build: {
      outDir: here(`./dist/${app}`),
      emptyOutDir: true,
      // WeChat's web view on an old phone is the floor, not the newest Chrome.
      target: ['es2020', 'chrome87', 'safari14'],
      // An inlined data: module or image would ask more of the content security policy than 'self'.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 600,
    },
    server: { proxy: { '/api': server } },
    preview: { proxy: { '/api': server } },
    plugins: [
      vue(),
      // Messages are compiled at build time, so that no page needs 'unsafe-eval'.
      VueI18n({ include: here('./src/i18n/**/*.json'), runtimeOnly: true, dropMessageCompiler: true }),
      VitePWA({
        strategies: 'injectManifest',
        srcDir: '.',
        filename: 'sw.ts',
        injectRegister: false,
        manifestFilename: 'manifest.webmanifest',
        injectManifest: {
          globPatterns: ['**/*.{html,js,css,svg,png,webmanifest}'],
          target: 'es2020',
        },
        manifest: {
          ...APPS[app],
          id: base,
          scope: base,
          start_url: base,
          lang: 'zh-CN',
          dir: 'ltr',
          display: 'standalone',
          orientation: 'any',
          theme_color: '#0f4f4a',
          background_color: '#f7f5f1',
          icons: [
            { src: 'icons/192.png', sizes: '192x192', type: 'image/png' },
            { src: 'icons/512.png', sizes: '512x512', type: 'image/png' },
            { src: 'icons/maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
          ],
        },
      }),
    ],
  };
});
