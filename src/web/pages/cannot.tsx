/** For a browser that lacks what the page cannot do without. */
import { Heading } from '../navigation.tsx';
import { say } from '../strings.ts';
import { Door } from '../parts/door.tsx';
import type { Need } from '../cannot.ts';
import { Prose } from '../parts/prose.tsx';

export function Cannot({ needs }: { readonly needs: readonly Need[] }) {
  return <Door><main><div class="card">
    <Heading>{say.cannot.title}</Heading>
    <p>{say.cannot.lead}</p>
    <ul class="stack tight">{needs.map((need) => <li key={need} class="note care">{say.cannot[need]}</li>)}</ul>
    <p class="muted"><Prose>{say.cannot.fix}</Prose></p>
  </div></main></Door>;
}
