/** What this hub keeps, and what it does not, in exact words. */
import { Heading } from '../navigation.tsx';
import { say } from '../strings.ts';
import { Icon } from '../parts/icons.tsx';
import { Prose } from '../parts/prose.tsx';

export function Promises() {
  return <div class="narrow">
    <div class="page-head"><div><Heading>{say.promises.title}</Heading><p>{say.promises.lead}</p></div></div>
    <div class="stack">
      <ul class="card stack">{say.promises.items.map(([icon, title, text]) => <li class="promise" key={title}><Icon name={icon} /><div><h2>{title}</h2><p>{text}</p></div></li>)}</ul>
      <div class="note"><b>{say.promises.kept}</b><p>{say.promises.keptItems}</p></div>
      <div class="note care"><p><Prose>{say.promises.altered}</Prose></p></div>
    </div>
  </div>;
}
