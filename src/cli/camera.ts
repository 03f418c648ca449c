import { SallyportError } from '../base/errors.ts';
import type { RequestOf } from '../api/contract.ts';
import { callHub } from './control.ts';
import { parseOptions, requirePositional, socketOf, socketOption, type Command } from './command.ts';
import { hubWords, print, printJson } from './terminal.ts';

type Order = RequestOf<'camera'>['order'];

const options = {
  ...socketOption, json: { type: 'boolean' },
  set: { type: 'boolean' }, ntp: { type: 'string' },
  pan: { type: 'string' }, tilt: { type: 'string' }, zoom: { type: 'string' }, for: { type: 'string' },
  brightness: { type: 'string' }, saturation: { type: 'string' }, contrast: { type: 'string' }, sharpness: { type: 'string' }, infrared: { type: 'string' },
} as const;

type Values = { readonly [K in keyof typeof options]?: string | boolean | undefined };

export const camera: Command = {
  name: 'camera',
  summary: 'ask a camera, or tell it what to do',
  help: `
Usage: sallyport camera ACTION CAMERA [VALUE] [OPTION…]

  info CAMERA             who it is, its streams, its clock, and what can be set on it
  refresh CAMERA          ask it anew who it is and what it streams, and record that
  trust CAMERA            the same, and believe the certificate that it shows now
  clock CAMERA            how far its clock is off, and who keeps it
    --set                 set it to the hub's time
    --ntp SERVER          let it ask a time server (a name or address of your own network
                          keeps it from asking outside)
  reboot CAMERA           restart it

  move CAMERA             turn and zoom it, then stop
    --pan, --tilt, --zoom SPEED   from -1 to 1; right, up and in are positive
    --for SECONDS         how long (1; at most 10). It stops by itself, also when the hub is gone
  stop CAMERA             stop it now
  home CAMERA             to its home position
  goto CAMERA PLACE       to a place that was saved
  save CAMERA PLACE       call where it looks now PLACE
  forget CAMERA PLACE     remove a place

  imaging CAMERA          how its picture is set
    --brightness, --saturation, --contrast, --sharpness NUMBER
    --infrared on|off|auto        the filter that keeps infrared out by day
  gop CAMERA SECONDS      ask for a key frame each so many seconds
  codec CAMERA h264|h265  ask for another codec (cameras with ONVIF Media 2)
  relay CAMERA [RELAY] on|off     switch an output

  --json                  print as JSON`,
  async run(args) {
    const { values, positionals } = parseOptions('camera', args, options, 4);
    const [act, id, ...rest] = positionals;
    const order = orderOf(requirePositional('camera', act, 'what to do'), rest, values);
    const reply = await callHub(await socketOf(values), 'camera', { camera: requirePositional('camera', id, 'the camera'), order });
    if (values.json === true) printJson(reply);
    else for (const sentence of reply.sentences) print(hubWords(sentence));
    return 0;
  },
};

function orderOf(act: string, rest: readonly string[], values: Values): Order {
  if (act === 'info' || act === 'refresh' || act === 'trust' || act === 'reboot' || act === 'stop' || act === 'home') return only({ act }, rest);
  if (act === 'goto' || act === 'save' || act === 'forget') return only({ act, place: requirePositional('camera', rest[0], 'the place') }, rest.slice(1));
  if (act === 'clock') return only({ act, ...(values.set === true ? { set: true } : {}), ...(typeof values.ntp === 'string' ? { ntp: values.ntp } : {}) }, rest);
  if (act === 'codec') return codecOrder(rest);
  if (act === 'gop') return only({ act, seconds: numberOf('SECONDS', requirePositional('camera', rest[0], 'SECONDS')) }, rest.slice(1));
  if (act === 'move') return only({ act, pan: speed('pan', values), tilt: speed('tilt', values), zoom: speed('zoom', values), seconds: values.for === undefined ? 1 : numberOf('--for', values.for) }, rest);
  if (act === 'relay') return relayOrder(rest);
  if (act === 'imaging') return only({ act, ...imagingOf(values) }, rest);
  throw usage(`there is no action "${act}"`);
}

function relayOrder(rest: readonly string[]): Order {
  const [state] = rest.slice(-1);
  if ((state !== 'on' && state !== 'off') || rest.length > 2) throw usage('say "on" or "off"');
  return { act: 'relay', on: state === 'on', ...(rest.length === 2 ? { relay: rest[0] as string } : {}) };
}

function codecOrder(rest: readonly string[]): Order {
  const codec = new Map([['h264', 'H264'], ['h265', 'H265']] as const).get(rest[0] as 'h264');
  if (codec === undefined) throw usage('the codec is h264 or h265');
  return only({ act: 'codec', codec }, rest.slice(1));
}

function imagingOf(values: Values): Omit<Extract<Order, { act: 'imaging' }>, 'act'> {
  const numbers = (['brightness', 'saturation', 'contrast', 'sharpness'] as const).flatMap((name) => (values[name] === undefined ? [] : [[name, numberOf(`--${name}`, values[name])] as const]));
  const { infrared } = values;
  if (infrared !== undefined && !/^(?:on|off|auto)$/.test(String(infrared))) throw usage('--infrared is on, off or auto');
  return { ...Object.fromEntries(numbers), ...(infrared === undefined ? {} : { infrared: String(infrared).toUpperCase() as 'ON' | 'OFF' | 'AUTO' }) };
}

function speed(name: 'pan' | 'tilt' | 'zoom', values: Values): number {
  const value = values[name] === undefined ? 0 : numberOf(`--${name}`, values[name]);
  if (Math.abs(value) > 1) throw usage(`--${name} is from -1 to 1`);
  return value;
}

function numberOf(name: string, text: string | boolean): number {
  const value = Number(text);
  if (typeof text !== 'string' || text.trim() === '' || !Number.isFinite(value)) throw usage(`${name} is a number`);
  return value;
}

function only(order: Order, left: readonly string[]): Order {
  if (left.length > 0) throw usage(`"${left[0]}" is too much`);
  return order;
}

function usage(reason: string): SallyportError {
  return new SallyportError('SP_USAGE', { command: 'camera', reason });
}
