import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig, type Rolldown } from 'vite';

const MAIN = new URL('./src/main.tsx', import.meta.url).pathname;
const first = new Set<string>();
const gateway = process.env.STOA_GATEWAY ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [react(), tailwind()],
  resolve: { alias: { '~': new URL('./src', import.meta.url).pathname } },
  // dist/.gitkeep stays: the gateway embeds the folder, built or not.
  build: {
    target: 'es2023',
    emptyOutDir: false,
    manifest: 'assets/manifest.json',
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [{ name: inFirst }, { name: 'fields', test: /react-(aria|stately)|@internationalized/ }],
        },
      },
    },
  },
  server: {
    port: 5173,
    proxy: {
      '^/stoa\\.': { target: gateway, changeOrigin: true },
      '/assets/products': { target: gateway, changeOrigin: true },
    },
  },
});

/** What is needed before anything is seen is one file: of many small ones each costs a request and the browser's time. */
function inFirst(id: string, chunking: Rolldown.ChunkingContext): string | null {
  if (first.size === 0) gather(MAIN);
  return first.has(id) ? 'first' : null;

  function gather(module: string): void {
    if (first.has(module)) return;
    first.add(module);
    for (const next of chunking.getModuleInfo(module)?.importedIds ?? []) gather(next);
  }
}
