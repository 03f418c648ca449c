/** The detector's own loop: an order comes, its answer goes. Runs in the detector's process alone. */
import { isSallyportError } from '../base/errors.ts';
import { embedFace, examineFaces, findFaces } from './faces.ts';
import { findObjects } from './objects.ts';
import { decodeOrder, encodeAnswer, Messages, orderBytesMax, wipe, type Answer, type Order } from './protocol.ts';
import type { Models } from './runtime.ts';

/** Takes what comes in pieces and gives each whole order's answer to `send`, which must be done with it at its return. Throws when the order is none: the two sides have lost each other. */
export class Service {
  readonly #models: Models;
  readonly #send: (answer: Uint8Array) => void;
  readonly #orders = new Messages(orderBytesMax);

  constructor(models: Models, send: (answer: Uint8Array) => void) {
    this.#models = models;
    this.#send = send;
  }

  /** Wiping the bytes is the caller's. */
  take(bytes: Uint8Array): void {
    this.#orders.take(bytes, (message) => {
      const answer = this.#answerTo(decodeOrder(message));
      const encoded = encodeAnswer(answer);
      wipe(answer);
      this.#send(encoded);
    });
  }

  #answerTo(order: Order): Answer {
    const { id, picture } = order;
    try {
      if (order.kind === 'objects') return { kind: 'objects', id, found: findObjects(this.#models, picture, order.roi) };
      if (order.kind === 'faces') return { kind: 'faces', id, faces: findFaces(this.#models, picture, order.roi) };
      if (order.kind === 'examine') return { kind: 'examine', id, faces: examineFaces(this.#models, picture, order.roi) };
      const vector = embedFace(this.#models, picture, order.keypoints);
      return vector === undefined ? { kind: 'refused', id, reason: 'the face cannot be aligned' } : { kind: 'embed', id, vector };
    } catch (error) {
      if (isSallyportError(error)) return { kind: 'refused', id, reason: 'the picture cannot be looked at' };
      return { kind: 'refused', id, reason: error instanceof RangeError ? 'there is not enough memory' : 'the model failed' };
    }
  }
}
