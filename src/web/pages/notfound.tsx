/** An address that is none of the page's. */
import { Heading, Link } from '../navigation.tsx';
import { say } from '../strings.ts';

export function NotFound() {
  return <div class="empty"><Heading>{say.error.notFoundTitle}</Heading><p>{say.error.notFound}</p><Link to={{ page: 'live' }} class="button main">{say.error.toLive}</Link></div>;
}
