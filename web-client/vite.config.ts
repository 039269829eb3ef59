import tailwind from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const gateway = process.env.STOA_GATEWAY ?? 'http://localhost:8080';

export default defineConfig({
  plugins: [react(), tailwind()],
  resolve: { alias: { '~': new URL('./src', import.meta.url).pathname } },
  // dist/.gitkeep stays: the gateway embeds the folder, built or not.
  build: { target: 'es2023', emptyOutDir: false, manifest: 'assets/manifest.json', assetsInlineLimit: 0 },
  server: {
    port: 5173,
    proxy: {
      '^/stoa\\.': { target: gateway, changeOrigin: true },
      '/assets/products': { target: gateway, changeOrigin: true },
    },
  },
});
