/** What the page makes of the hub's refusals. */
import t from 'tap';
import { ask, HubError, whenSessionIsOver } from '../../src/web/api.ts';

t.test('the session is over when the hub says so, not when a passphrase was wrong', async (t) => {
  const { fetch } = globalThis;
  t.teardown(() => { globalThis.fetch = fetch; });
  const ended: string[] = [];
  whenSessionIsOver(({ code }) => ended.push(code));
  for (const code of ['SP_PAGE_LOGIN', 'SP_PAGE_SESSION']) {
    globalThis.fetch = async () => new Response(JSON.stringify({ error: { code, message: 'no' } }), { status: 401 });
    await t.rejects(ask('meErase', { body: { half: 'A'.repeat(43) } }), new HubError({ code, message: 'no', status: 401 }));
  }
  t.strictSame(ended, ['SP_PAGE_SESSION']);
});
