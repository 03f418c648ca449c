/**
 * The page: what people see of the hub, in their own browser. It knows the hub by the contract alone (`api/pagecontract.ts`), opens
 * sealed footage by keys that the hub never has, and shows live pictures that the hub passes on. It must never: ask anybody but its own
 * hub for anything, put text of a camera or a person into the document as markup, keep a passphrase, or type a sentence outside of
 * `strings.ts`. What needs keys or players is loaded when first needed. docs/ARCHITECTURE.md says where it stands in the house.
 */
import { render } from 'preact';
import { App } from './app.tsx';
import { abilities, missing } from './cannot.ts';
import { Cannot } from './pages/cannot.tsx';
import { showTheme, theme } from './theme.ts';

showTheme(theme());
const root = document.getElementById('page');
if (root !== null) {
  const lacks = missing(abilities());
  render(lacks.length > 0 ? <Cannot needs={lacks} /> : <App />, root);
}
