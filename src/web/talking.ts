/** From the microphone to the camera's loudspeaker, while a button is held. Nothing is kept. */
import microphoneAddress from './talkworklet.ts?worker&url';
import { socketAddress } from './api.ts';
import { mulaw } from './mulaw.ts';

export interface Talk { close(): void }

/** What may wait in the socket: older words are of no use. */
const waitingBytesMax = 16 * 1024;

/** Throws where the browser gives no microphone. `onEnd` is told why it ended by itself; empty where it was let go. */
export async function beginTalk(camera: string, onEnd: (words: string) => void): Promise<Talk> {
  const media = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1, echoCancellation: true, noiseSuppression: true } });
  const sound = new AudioContext({ sampleRate: 8000 });
  const socket = new WebSocket(socketAddress('talk', { camera }));
  socket.binaryType = 'arraybuffer';
  let over = false;
  const end = (words: string): void => {
    if (over) return;
    over = true;
    for (const track of media.getTracks()) track.stop();
    void sound.close();
    if (socket.readyState === WebSocket.OPEN) socket.send('{"end": true}');
    else socket.close();
    onEnd(words);
  };
  socket.addEventListener('message', ({ data }) => end(typeof data === 'string' ? errorIn(data) : ''));
  socket.addEventListener('close', () => end(''));
  try {
    await sound.audioWorklet.addModule(microphoneAddress);
    const microphone = new AudioWorkletNode(sound, 'microphone', { numberOfOutputs: 0 });
    microphone.port.addEventListener('message', ({ data }) => {
      if (data instanceof Float32Array && socket.readyState === WebSocket.OPEN && socket.bufferedAmount < waitingBytesMax) socket.send(mulaw(data));
    });
    microphone.port.start();
    sound.createMediaStreamSource(media).connect(microphone);
  } catch (error) {
    end('');
    throw error;
  }
  return { close: () => end('') };
}

function errorIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } };
    return typeof error?.message === 'string' ? error.message : '';
  } catch {
    return '';
  }
}
