import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { compressed } from './build/compress.ts';

// The server to develop against; the browser sees one origin, as in production.
const server = process.env.GATEHOUSE_URL ?? 'https://localhost:5000';

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 600,
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What no page does without, in one file; what only menus and dropdowns need, apart from it.
            { name: 'base', test: /node_modules\/(react|react-dom|scheduler|@tanstack|clsx|use-sync-external-store)\//, priority: 2 },
            { name: 'floating', test: /node_modules\/@floating-ui\//, priority: 2 },
          ],
        },
      },
    },
  },
  server: { proxy: { '/api': { target: server, secure: false, ws: true } } },
  preview: { proxy: { '/api': { target: server, secure: false, ws: true } } },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
});
