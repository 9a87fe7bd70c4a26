import { fileURLToPath } from 'node:url';
import VueI18n from '@intlify/unplugin-vue-i18n/vite';
import vue from '@vitejs/plugin-vue';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: { alias: { '@': here('./src') } },
  define: { __APP_VERSION__: '"test"' },
  plugins: [vue(), VueI18n({ include: here('./src/i18n/**/*.json'), runtimeOnly: true, dropMessageCompiler: true })],
  test: {
    include: ['src/**/*.test.ts', 'tests/**/*.test.ts'],
    // A browser-like test says so in its first line: // @vitest-environment happy-dom
    environment: 'node',
    maxWorkers: 1,
  },
});
