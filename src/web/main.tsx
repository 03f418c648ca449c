/** The page's entry. */
import { render } from 'preact';

const root = document.getElementById('page');
if (root !== null) render(<main>{'Sallyport'}</main>, root);
