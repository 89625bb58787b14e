import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';
import { compressed } from './build/compress.ts';

// The server to develop against; the browser sees one origin, as in production.
const server = process.env.GATEHOUSE_URL ?? 'https://localhost:5000';

export default defineConfig({
  plugins: [react(), compressed()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: { target: 'es2022', sourcemap: false, chunkSizeWarningLimit: 600, assetsInlineLimit: 0 },
  server: { proxy: { '/api': { target: server, secure: false, ws: true } } },
  preview: { proxy: { '/api': { target: server, secure: false, ws: true } } },
  test: { environment: 'jsdom', include: ['src/**/*.test.{ts,tsx}'] },
});
