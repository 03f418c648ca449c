/**
 * Keeping footage longer, and erasing a time, from an owner's device: it signs the order, opens what the order needs and makes the second headers.
 * The hub says which; it can open none of them.
 */
import type { PageReplyOf } from '../../api/pagecontract.ts';
import { SallyportError } from '../../base/errors.ts';
import { eraseNamespace, holdNamespace, wishDocument, type Wish } from '../../policy/wishes.ts';
import { encodeBase64 } from '../../seal/format/base64.ts';
import { asciiOf } from '../../seal/format/header.ts';
import { errorOf, type Poster } from './fetcher.ts';
import type { SealedFootage } from './footage.ts';
import type { Identity } from './identity.ts';

export interface HoldOrder {
  readonly camera: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly untilMs: number;
  /** In the owner's words; may be empty. */
  readonly label: string;
}

export interface EraseOrder {
  readonly camera: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** Stands in the receipt. */
  readonly why: string;
  /** Although something that should stay does not open any more. */
  readonly force?: boolean;
}

export interface OrderDone {
  readonly order: string;
  /** What was done, as the hub says it. */
  readonly sentences: readonly string[];
  /** Segments that did not open, so that no second header of them could be made. */
  readonly problems: readonly SallyportError[];
}

export interface OrderParts {
  readonly post: Poster;
  readonly footage: SealedFootage;
  /** Who signs; the caller's. */
  readonly signer: Identity;
  /** By this device's clock. */
  readonly nowMs: number;
  /** From 0 to 1. */
  readonly progress?: ((done: number) => void) | undefined;
}

type HeaderPlan = Pick<PageReplyOf<'hold'>, 'order' | 'targets' | 'wanted'>;
type Header = { readonly target: number; readonly stream: 'main' | 'sub'; readonly seq: number; readonly header: string };

const apiPath = '/api/v1';
/** As many as the hub takes in one request. */
const headersAtOnce = 150;
/** Asked of the hub beside each other. */
const sideBySide = 6;
const problemsMax = 20;
const askEveryMs = 1000;
/** What is being recorded ends at the next key frame; a camera that sends none is cut after 90 s. */
const waitMsMax = 150_000;

/** Keeps footage longer. SP_OWNER_NEEDED, SP_HOLD, SP_NO_SLOT, SP_HUB_UNREACHABLE. */
export async function hold(parts: OrderParts, { camera, fromMs, toMs, untilMs, label }: HoldOrder): Promise<OrderDone> {
  const plan = await asked<'hold'>(parts, '/hold', { camera, ...signed(parts, { what: 'hold', camera, fromMs, toMs, untilMs, label }) });
  const problems = await handOver(parts, camera, plan, '/hold/headers');
  const { sentences } = await asked<'holdDone'>(parts, '/hold/done', { camera, order: plan.order });
  return { order: plan.order, sentences: [...plan.sentences, ...sentences], problems };
}

/** Ends a hold; what only it kept is destroyed. SP_OWNER_NEEDED, SP_HOLD. */
export async function release(parts: Omit<OrderParts, 'footage'>, { camera, order }: { readonly camera: string; readonly order: string }): Promise<OrderDone> {
  const { sentences } = await asked<'release'>(parts, '/hold/release', { camera, ...signed(parts, { what: 'release', order }) });
  return { order, sentences, problems: [] };
}

/** Destroys a time; what the same keys opened besides is sealed anew first. SP_OWNER_NEEDED, SP_ERASE: then nothing was destroyed. */
export async function erase(parts: OrderParts, { camera, fromMs, toMs, why, force = false }: EraseOrder): Promise<OrderDone> {
  const { order } = await asked<'erase'>(parts, '/erase', { camera, ...signed(parts, { what: 'erase', camera, fromMs, toMs, why }) });
  const plan = await planWhenClosed(parts, camera, order);
  const problems = await handOver(parts, camera, { ...plan, order }, '/erase/headers');
  const { sentences } = await asked<'eraseDone'>(parts, '/erase/done', { camera, order, force });
  return { order, sentences: [...plan.sentences, ...sentences], problems };
}

async function planWhenClosed(parts: OrderParts, camera: string, order: string): Promise<PageReplyOf<'erasePlan'>> {
  const untilMs = performance.now() + waitMsMax;
  for (;;) {
    const plan = await asked<'erasePlan'>(parts, '/erase/plan', { camera, order });
    if (plan.open === 0) return plan;
    if (performance.now() > untilMs) throw new SallyportError('SP_ERASE', { reason: 'what is being recorded did not come to an end' });
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
}

/** Makes the second headers and hands them over in parts; gives what did not open. */
async function handOver(parts: OrderParts, camera: string, { order, targets, wanted }: HeaderPlan, path: '/hold/headers' | '/erase/headers'): Promise<SallyportError[]> {
  const problems: SallyportError[] = [];
  let done = 0;
  for (let from = 0; from < wanted.length; from += headersAtOnce) {
    const left = wanted.slice(from, from + headersAtOnce);
    const headers: Header[] = [];
    const work = async (): Promise<void> => {
      for (let one = left.shift(); one !== undefined; one = left.shift()) {
        const { stream, seq, target } = one;
        const to = targets[target];
        if (to === undefined) continue;
        try {
          headers.push({ target, stream, seq, header: asciiOf(encodeBase64(await parts.footage.secondHeader(camera, one, to), true)) });
        } catch (error) {
          const known = errorOf(error);
          // These are about the way to the hub, or an end that was asked for, not about one segment.
          if (known.code === 'SP_STOPPED' || known.code === 'SP_HUB_UNREACHABLE') throw known;
          problems.push(known);
        }
        parts.progress?.(++done / wanted.length);
      }
    };
    await Promise.all(Array.from({ length: sideBySide }, work));
    if (headers.length > 0) await asked<'holdHeaders'>(parts, path, { camera, order, headers });
  }
  return problems.slice(0, problemsMax);
}

function signed({ signer, nowMs }: Pick<OrderParts, 'signer' | 'nowMs'>, wish: Wish): { document: string; signature: string } {
  const document = wishDocument(wish, nowMs);
  return { document, signature: signer.sign(document, wish.what === 'erase' ? eraseNamespace : holdNamespace) };
}

async function asked<R extends 'hold' | 'holdHeaders' | 'holdDone' | 'release' | 'erase' | 'erasePlan' | 'eraseDone'>({ post }: Pick<OrderParts, 'post'>, path: string, body: object): Promise<PageReplyOf<R>> {
  try {
    return (await post(`${apiPath}${path}`, body)) as PageReplyOf<R>;
  } catch (error) {
    throw errorOf(error);
  }
}
