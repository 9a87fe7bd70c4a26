/** Bundles phone.ts for Node, with everything it needs in one file. */
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here('.'),
  logLevel: 'warn',
  resolve: { alias: { '@': here('../../src') } },
  ssr: { noExternal: true },
  build: { ssr: here('./phone.ts'), target: 'node20', rolldownOptions: { output: { codeSplitting: false } } },
});
