import t from 'tap';
import type { EmulatedCamera } from '../../src/emulator/emulator.ts';
import { pictureTypes, postSoap, rtspUrl, securityHeader, startEmulator } from './testkit.ts';

function media2(camera: EmulatedCamera, operation: string, inner = ''): Promise<{ status: number; text: string }> {
  return postSoap(camera, `<m:${operation} xmlns:m="http://www.onvif.org/ver20/media/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema">${inner}</m:${operation}>`, { service: 'media2', header: securityHeader(camera) });
}

function media(camera: EmulatedCamera, operation: string, inner = ''): Promise<{ status: number; text: string }> {
  return postSoap(camera, `<${operation} xmlns="http://www.onvif.org/ver10/media/wsdl">${inner}</${operation}>`, { service: 'media', header: securityHeader(camera) });
}

t.test('Media2 tells of profiles as much as is asked for', async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1, audio: 'alaw' });
  t.match((await postSoap(camera, '<GetServices/>')).text, /ver20\/media\/wsdl<\/tds:Namespace><tds:XAddr>[^<]*\/onvif\/media2_service</);
  const bare = await media2(camera, 'GetProfiles');
  t.match(bare.text, /<tr2:Profiles token="profile_main" fixed="true"><tr2:Name>mainStream<\/tr2:Name><\/tr2:Profiles>/);
  const one = await media2(camera, 'GetProfiles', '<Token>profile_sub</Token><Type>VideoEncoder</Type>');
  t.match(one.text, /^(?!.*profile_main).*<tr2:Configurations><tr2:VideoEncoder token="VEC_sub" GovLength="10" AnchorFrameDistance="1" Profile="\w+">.*<tt:Encoding>H264<.*<tt:Width>640</s);
  t.notMatch(one.text, /tr2:VideoSource|tr2:AudioEncoder/);
  t.match((await media2(camera, 'GetProfiles', '<Type>All</Type>')).text, /tr2:VideoSource .*tr2:AudioSource .*tr2:VideoEncoder .*<tt:Encoding>PCMA</s);
  t.match(await media2(camera, 'GetStreamUri', '<Protocol>RtspUnicast</Protocol><ProfileToken>profile_main</ProfileToken>'), { status: 200, text: `<tr2:Uri>rtsp://${camera.address}:${camera.rtspPort}/main</tr2:Uri>` });
  t.match(await media2(camera, 'GetSnapshotUri', '<ProfileToken>profile_sub</ProfileToken>'), { status: 200, text: /\/onvif\/snapshot\/sub\.jpg</ });
  for (const [operation, inner, fault] of [
    ['GetProfiles', '<Token>none</Token>', 'NoProfile'], ['GetStreamUri', '<Protocol>RtspMulticast</Protocol><ProfileToken>profile_main</ProfileToken>', 'InvalidStreamSetup'],
    ['GetStreamUri', '<Protocol>RTSP</Protocol>', 'NoProfile'], ['GetVideoEncoderConfigurations', '<ConfigurationToken>none</ConfigurationToken>', 'NoConfig'], ['SetVideoEncoderConfiguration', '', 'NoConfig'],
    ['GetStreamUri', '<Protocol>RtspOverHttp</Protocol><ProfileToken>profile_main</ProfileToken>', 'InvalidStreamSetup'], ['GetVideoEncoderInstances', '<ConfigurationToken>VEC_main</ConfigurationToken>', 'NoConfig'],
    ...['VideoSource', 'AudioSource', 'AudioEncoder'].flatMap((kind) => [[`Get${kind}Configurations`, '<ConfigurationToken>none</ConfigurationToken>', 'NoConfig'], [`Get${kind}ConfigurationOptions`, '<ProfileToken>none</ProfileToken>', 'NoProfile']] as const),
  ] as const) t.match(await media2(camera, operation, inner), { status: 400, text: `ter:${fault}` }, fault);
  t.match(await postSoap(camera, '<m:GetProfile xmlns:m="http://www.onvif.org/ver20/media/wsdl"/>', { service: 'media', header: securityHeader(camera) }), { status: 500, text: /ActionNotSupported/ }, 'the namespace says which service is meant');
});

t.test('an encoder that was set sends what it says', { timeout: 60_000 }, async (t) => {
  const { camera } = await startEmulator(t, { seconds: 1, folder: t.testdir() });
  const encoder = async (): Promise<string> => (await media(camera, 'GetVideoEncoderConfiguration', '<ConfigurationToken>VEC_sub</ConfigurationToken>')).text;
  t.match(await encoder(), /GovLength>10</);
  t.match((await media(camera, 'GetVideoEncoderConfigurationOptions', '<ConfigurationToken>VEC_sub</ConfigurationToken>')).text, /GovLengthRange><tt:Min>1<\/tt:Min><tt:Max>10</);
  t.match((await media2(camera, 'GetVideoEncoderConfigurationOptions', '<ConfigurationToken>VEC_sub</ConfigurationToken>')).text, /<tr2:Options GovLengthRange="1 10" [^>]*><tt:Encoding>H264<.*<tr2:Options GovLengthRange="1 10" [^>]*><tt:Encoding>H265</s);
  t.match((await media2(camera, 'GetVideoEncoderInstances', '<ConfigurationToken>VSC1</ConfigurationToken>')).text, /H264<.*H265<.*<tr2:Total>2</s);
  t.match(await media2(camera, 'SetVideoEncoderConfiguration', '<Configuration token="VEC_sub" GovLength="5"><tt:Quality>3</tt:Quality></Configuration>'), { status: 200 });
  t.match(await encoder(), /Quality>3<.*GovLength>5</s);
  t.match((await media2(camera, 'GetVideoEncoderConfigurations')).text, /token="VEC_sub" GovLength="5"/);
  const types = await pictureTypes(rtspUrl(camera, '/sub'), 11);
  t.match(types, /^IPPPPIPPPPI/, 'a key frame each fifth picture');
  t.match(await media2(camera, 'SetVideoEncoderConfiguration', '<Configuration token="VEC_sub"><tt:Encoding>H265</tt:Encoding></Configuration>'), { status: 200 });
  t.match((await media2(camera, 'GetVideoEncoderConfigurations')).text, /token="VEC_sub" GovLength="5" AnchorFrameDistance="1" Profile="Main">.*<tt:Encoding>H265</s);
  t.match(await pictureTypes(rtspUrl(camera, '/sub'), 6), /^IPPPPI/, 'in H.265 too');
  t.match(await media(camera, 'SetVideoEncoderConfiguration', '<Configuration token="VEC_sub"><RateControl><BitrateLimit>512</BitrateLimit></RateControl></Configuration>'), { status: 200 });
  t.match(await encoder(), /BitrateLimit>512<.*GovLength>5</s);
  for (const wanted of ['<tt:Encoding>JPEG</tt:Encoding>', '<tt:Resolution><tt:Width>99</tt:Width><tt:Height>360</tt:Height></tt:Resolution>', '<tt:Quality>9</tt:Quality>']) {
    t.match(await media2(camera, 'SetVideoEncoderConfiguration', `<Configuration token="VEC_sub">${wanted}</Configuration>`), { status: 400, text: /ConfigModify/ }, wanted);
  }
  t.match(await media2(camera, 'SetVideoEncoderConfiguration', '<Configuration token="VEC_sub" GovLength="500"/>'), { status: 400, text: /ConfigModify/ });
  t.match(await encoder(), /GovLength>5</, 'what was refused changed nothing');
});
