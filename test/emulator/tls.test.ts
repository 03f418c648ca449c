import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import { connect as connectPlain } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { run } from '../../src/base/spawn.ts';
import { makeCertificate } from '../../src/emulator/certificate.ts';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { pictureHashes, startEmulator } from './testkit.ts';

async function handshake(camera: EmulatedCamera, port: number): Promise<TLSSocket> {
  const socket = connect({ host: camera.address, port, rejectUnauthorized: false });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  return socket;
}

async function pinOf(camera: EmulatedCamera, port: number): Promise<string> {
  const socket = await handshake(camera, port);
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256.replaceAll(':', '').toLowerCase();
}

async function askClock(camera: EmulatedCamera, ca: string): Promise<string> {
  const body = '<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><GetServices xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>';
  const asked = request({ host: camera.address, port: camera.httpsPort, path: '/onvif/device_service', method: 'POST', ca, agent: false });
  asked.end(body);
  const [response] = await once(asked, 'response') as [AsyncIterable<Buffer>];
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

t.test('a certificate is one to everybody else: for its address, signed by itself', async (t) => {
  const { cert, fingerprint } = makeCertificate({ address: '127.9.8.7', name: 'Camera ä', nowMs: Date.now() });
  const read = new X509Certificate(cert);
  t.equal(read.subject, 'CN=Camera ä');
  t.equal(read.checkIP('127.9.8.7'), '127.9.8.7');
  t.ok(read.verify(read.publicKey));
  t.equal(read.fingerprint256.replaceAll(':', '').toLowerCase(), fingerprint);
  t.match(new X509Certificate(makeCertificate({ address: '127.0.0.1', name: 'x', nowMs: Date.UTC(2049, 0, 1) }).cert).validTo, /2058 GMT$/);
  const file = `${t.testdir({ 'cert.pem': cert })}/cert.pem`;
  const judged = await run('openssl', ['verify', '-x509_strict', '-CAfile', file, file]).catch(() => undefined);
  if (judged === undefined) t.comment('not judged by openssl, which is not here');
  else t.match(judged.stdout.toString(), /: OK/, judged.stderr);
});

t.test('pictures and services come by TLS beside the plain ports', async (t) => {
  const { camera } = await startEmulator(t, { tls: 'also', seconds: 1 });
  t.equal(new Set([camera.onvifPort, camera.rtspPort, camera.httpsPort, camera.rtspsPort, 0]).size, 5);
  t.strictSame([await pinOf(camera, camera.rtspsPort), await pinOf(camera, camera.httpsPort)], [camera.fingerprint, camera.fingerprint]);
  const url = `rtsps://${camera.user}:${camera.password}@${camera.address}:${camera.rtspsPort}/sub`;
  const live = await pictureHashes(['-rtsp_transport', 'tcp', '-analyzeduration', '200000', '-t', '0.5', '-i', url]);
  t.ok(live.hashes.length >= 4, live.complaints);
  const socket = await handshake(camera, camera.httpsPort);
  const { raw } = socket.getPeerCertificate();
  socket.destroy();
  t.match(await askClock(camera, new X509Certificate(raw).toString()), `http://${camera.address}:${camera.onvifPort}/onvif/device_service`, 'a client that trusts this certificate alone is answered');
});

t.test('a camera may speak TLS alone, and then names no other address', async (t) => {
  const { camera } = await startEmulator(t, { tls: 'only', seconds: 1 });
  t.strictSame([camera.onvifPort, camera.rtspPort], [0, 0]);
  const socket = await handshake(camera, camera.httpsPort);
  const ca = new X509Certificate(socket.getPeerCertificate().raw).toString();
  socket.destroy();
  t.match(await askClock(camera, ca), `https://${camera.address}:${camera.httpsPort}/onvif/device_service`);
  const plain = connectPlain(camera.rtspsPort, camera.address);
  plain.on('error', () => {});
  plain.write('OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n');
  await once(plain, 'close');
  t.equal(camera.connections, 0, 'what is no TLS is hung up on');
});

t.test('a renewed certificate is another, also after the camera was away, and a reset resets', async (t) => {
  const { camera } = await startEmulator(t, { tls: 'also', seconds: 1 });
  const before = camera.fingerprint;
  camera.renewCertificate();
  t.not(camera.fingerprint, before);
  t.strictSame([await pinOf(camera, camera.rtspsPort), await pinOf(camera, camera.httpsPort)], [camera.fingerprint, camera.fingerprint]);
  const socket = await handshake(camera, camera.rtspsPort);
  const gone = once(socket, 'close');
  await Promise.all([gone, camera.stop()]);
  await camera.start();
  t.strictSame([await pinOf(camera, camera.rtspsPort), await pinOf(camera, camera.httpsPort)], [camera.fingerprint, camera.fingerprint]);
});

t.test('without TLS there is no certificate', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1 });
  camera.renewCertificate();
  t.strictSame([camera.httpsPort, camera.rtspsPort, camera.fingerprint], [0, 0, undefined]);
});
