/**
 * When fragments arrived, where all that is known is that they did between two readings of the pipe. Media time gives the distances
 * within, and each reading corrects it: so the camera's clock may drift or jump, and an answer is never off by more than that time. Pure.
 */
export class Arrivals {
  /** Arrival minus media time, as the readings so far have it. */
  #ahead: number | undefined;
  #lastMs = -Infinity;

  /** Of a fragment of the picture's track; answers never go back as long as the readings do not. */
  of(timeMs: number, afterMs: number, byMs: number): number {
    const likely = this.#ahead === undefined ? byMs : timeMs + this.#ahead;
    const arrivedMs = Math.min(byMs, Math.max(likely, afterMs, this.#lastMs));
    this.#ahead = arrivedMs - timeMs;
    this.#lastMs = arrivedMs;
    return arrivedMs;
  }

  /** Of sound, whose line may lie beside the picture's: as late as the last picture. */
  besides(afterMs: number, byMs: number): number {
    return Math.min(byMs, Math.max(afterMs, this.#lastMs));
  }
}
