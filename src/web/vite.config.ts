/** How the page is built (scripts/page): hashed files, no script or style in the document, nothing from elsewhere. */
import { defineConfig, type Plugin } from 'vite';

/**
 * The package is a player: its module puts a style into the document, which the content security policy refuses, and gives all of itself as one
 * object, WebAssembly and players included. Three classes of it are wanted. Made for the one version that package.json names.
 */
function decoderAlone(): Plugin {
  return {
    name: 'jsmpeg-decoder-alone',
    transform(code, id) {
      if (!id.includes('/@cycjimmy/jsmpeg-player/')) return undefined;
      return { code: decoderOf(code), map: null };
    },
  };
}

export function decoderOf(code: string): string {
  const alone = code.replace('styleInject(css_248z);', '').replace('export { JSMpeg as default };', 'export { TS, MPEG1, CanvasRenderer };');
  if (/^styleInject\(|as default/m.test(alone)) throw new Error('@cycjimmy/jsmpeg-player is of another version than this was made for');
  return alone;
}

export default defineConfig({
  root: import.meta.dirname,
  base: '/',
  publicDir: false,
  plugins: [decoderAlone()],
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
    // Set-up is quiet on a slow machine, too.
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
});
