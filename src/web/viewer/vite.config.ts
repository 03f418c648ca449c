/** How viewer.html is built (scripts/viewer): one file with its script and style in it, and a policy that names both by their hashes and lets nothing else run. */
import { createHash } from 'node:crypto';
import { defineConfig, type Plugin } from 'vite';

interface Asset { type: string; fileName: string; code?: string; source?: string | Uint8Array }

/**
 * Whom the page may speak to is known when a person has said it: until then any store, by TLS or on this computer; then it narrows that itself.
 * Pictures and films come from what was opened in the page.
 */
function policyOf(script: string, style: string): string {
  const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
  return [
    "default-src 'none'", `script-src ${hash(script)}`, `style-src ${hash(style)}`, 'img-src blob: data:', 'media-src blob:',
    'connect-src https: http://127.0.0.1:* http://localhost:*', "base-uri 'none'", "form-action 'none'",
  ].join('; ');
}

function oneFile(): Plugin {
  return {
    name: 'one-file',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const files = Object.values(bundle) as Asset[];
      const textOf = (ending: string): string => {
        const [file, ...more] = files.filter(({ fileName }) => fileName.endsWith(ending));
        if (file === undefined || more.length > 0) throw new Error(`there should be one file that ends with ${ending}`);
        return String(file.code ?? file.source ?? '');
      };
      const html = files.find(({ fileName }) => fileName.endsWith('.html'));
      if (html === undefined) throw new Error('there is no page');
      // Nothing in it may end the element that it stands in.
      const script = textOf('.js').trim().replaceAll('</script', '<\\/script');
      const style = textOf('.css').trim();
      html.source = String(html.source)
        .replace(/<script[^>]*><\/script>\s*/, '').replace(/<link[^>]*rel="stylesheet"[^>]*>\s*/, '')
        .replace('<meta charset="utf-8">', () => `<meta charset="utf-8">\n    <meta http-equiv="Content-Security-Policy" content="${policyOf(script, style)}">`)
        .replace('</head>', () => `  <style>${style}</style>\n  </head>`)
        .replace('</body>', () => `  <script type="module">${script}</script>\n  </body>`);
      for (const { fileName } of files) if (fileName !== html.fileName) delete bundle[fileName];
    },
  };
}

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  publicDir: false,
  plugins: [oneFile()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../../../dist/viewer', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, cssCodeSplit: false, modulePreload: false, chunkSizeWarningLimit: 2000,
    rollupOptions: { output: { codeSplitting: false } },
  },
});
