/** How the page is built (scripts/page): hashed files, no script or style in the document, nothing from elsewhere. */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  worker: { format: 'es' },
  build: {
    outDir: '../../dist/page',
    emptyOutDir: true,
    target: 'es2022',
    assetsDir: 'assets',
    // A data: address for a script or a font would need a hole in the content security policy.
    assetsInlineLimit: 0,
    // The polyfill is a script in the document; every browser that can show the page knows modulepreload.
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1000,
  },
});
