/** Runs on the browser's audio thread: hands the microphone's samples on. */
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

/** 40 ms at 8 kHz: few messages, and no delay that one hears. */
const samplesMax = 320;

/** A module, so that its names are its own. */
export class Microphone extends AudioWorkletProcessor {
  #samples = new Float32Array(samplesMax);
  #count = 0;

  process(inputs: readonly (readonly Float32Array[])[]): boolean {
    for (const sample of inputs[0]?.[0] ?? []) {
      this.#samples[this.#count++] = sample;
      if (this.#count < samplesMax) continue;
      this.port.postMessage(this.#samples, [this.#samples.buffer]);
      this.#samples = new Float32Array(samplesMax);
      this.#count = 0;
    }
    return true;
  }
}

registerProcessor('microphone', Microphone);
