"""Drives the emulator's services as python3-zeep understands their WSDL files, offline. Arguments: folder of WSDL files, host and port, user, services in order; the password comes by stdin."""
import sys
from datetime import timedelta
from zeep import Client
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

folder, origin, user, *wanted = sys.argv[1:]
password = sys.stdin.readline().rstrip('\n')


class Offline(Transport):
    """Files alone are loaded; anything else would be a fetch from the network."""

    def load(self, url):
        if '://' in url and not url.startswith('file://'):
            raise RuntimeError('a fetch from the network: ' + url)
        return super().load(url)


def service(wsdl, binding, namespace, url):
    client = Client(f'{folder}/{wsdl}', wsse=UsernameToken(user, password, use_digest=True), transport=Offline(timeout=10))
    return client.create_service('{%s}%s' % (namespace, binding), url)


device = service('devicemgmt.wsdl', 'DeviceBinding', 'http://www.onvif.org/ver10/device/wsdl', f'http://{origin}/onvif/device_service')
where = {one.Namespace: one.XAddr for one in device.GetServices(IncludeCapability=False)}


def drive_device():
    assert device.GetDeviceInformation()['FirmwareVersion'] == '5.10'
    assert device.GetSystemDateAndTime().UTCDateTime.Date.Year > 2000
    assert device.GetUsers()[0].UserLevel == 'Administrator'
    assert device.GetScopes() and device.GetNetworkInterfaces() and device.GetRelayOutputs() and device.GetCapabilities(Category='All').Events.XAddr
    device.SetHostname(Name='porch')
    assert device.GetHostname().Name == 'porch'


def drive_media():
    media = service('media.wsdl', 'MediaBinding', 'http://www.onvif.org/ver10/media/wsdl', where['http://www.onvif.org/ver10/media/wsdl'])
    profiles = media.GetProfiles()
    assert [one.token for one in profiles] == ['profile_main', 'profile_sub'] and profiles[0].PTZConfiguration.NodeToken == 'PTZNode1'
    assert media.GetStreamUri(StreamSetup={'Stream': 'RTP-Unicast', 'Transport': {'Protocol': 'RTSP'}}, ProfileToken='profile_main').Uri.endswith('/main')
    assert media.GetSnapshotUri(ProfileToken='profile_sub').Uri.endswith('sub.jpg')
    assert media.GetVideoEncoderConfigurationOptions(ConfigurationToken='VEC_sub').H264.GovLengthRange.Max >= 1


def drive_media2():
    ns = 'http://www.onvif.org/ver20/media/wsdl'
    media2 = service('media2.wsdl', 'Media2Binding', ns, where[ns])
    assert media2.GetServiceCapabilities().StreamingCapabilities.RTSPStreaming
    assert media2.GetProfiles()[1].Configurations is None
    main, sub = media2.GetProfiles(Type=['All'])
    assert [main.token, sub.token] == ['profile_main', 'profile_sub'] and main.Configurations.PTZ.NodeToken == 'PTZNode1'
    assert main.Configurations.VideoEncoder.Encoding == 'H264' and main.Configurations.AudioEncoder.Encoding == 'PCMA'
    assert media2.GetStreamUri(Protocol='RTSP', ProfileToken='profile_main').endswith('/main')
    assert media2.GetSnapshotUri(ProfileToken='profile_sub').endswith('sub.jpg')
    source = media2.GetVideoSourceConfigurations()[0]
    assert source.token == main.Configurations.VideoSource.token
    assert media2.GetVideoSourceConfigurationOptions(ConfigurationToken=source.token).BoundsRange.WidthRange.Max == source.Bounds.width
    assert media2.GetVideoEncoderInstances(ConfigurationToken=source.token).Total == 2
    assert media2.GetAudioSourceConfigurations(ProfileToken=main.token)[0].SourceToken == media2.GetAudioSourceConfigurationOptions().InputTokensAvailable[0]
    sound, offered = media2.GetAudioEncoderConfigurations()[0], media2.GetAudioEncoderConfigurationOptions()[0]
    assert sound.Encoding == offered.Encoding and sound.SampleRate in offered.SampleRateList.Items and sound.Bitrate in offered.BitrateList.Items
    encoder = media2.GetVideoEncoderConfigurations(ProfileToken='profile_sub')[0]
    options = {one.Encoding: one for one in media2.GetVideoEncoderConfigurationOptions(ConfigurationToken=encoder.token)}
    shortest, longest = options['H265'].GovLengthRange
    assert shortest <= encoder.GovLength <= longest and encoder.Profile in options['H264'].ProfilesSupported
    # What the camera said is said back, with another distance of key frames and in another codec.
    encoder.GovLength, encoder.Encoding, encoder.Profile = 5, 'H265', options['H265'].ProfilesSupported[0]
    media2.SetVideoEncoderConfiguration(Configuration=encoder)
    changed = media2.GetVideoEncoderConfigurations(ConfigurationToken=encoder.token)[0]
    assert (changed.GovLength, changed.Encoding) == (5, 'H265')
    media2.SetSynchronizationPoint(ProfileToken='profile_sub')


def drive_ptz():
    ptz = service('ptz.wsdl', 'PTZBinding', 'http://www.onvif.org/ver20/ptz/wsdl', where['http://www.onvif.org/ver20/ptz/wsdl'])
    assert ptz.GetNodes()[0].HomeSupported and ptz.GetConfigurations()
    ptz.ContinuousMove(ProfileToken='profile_main', Velocity={'PanTilt': {'x': 1, 'y': 0}}, Timeout=timedelta(seconds=5))
    assert ptz.GetStatus(ProfileToken='profile_main').MoveStatus.PanTilt == 'MOVING'
    ptz.Stop(ProfileToken='profile_main')
    assert ptz.SetPreset(ProfileToken='profile_main', PresetName='gate') == '1'
    assert ptz.GetPresets(ProfileToken='profile_main')[0].Name == 'gate'


def drive_imaging():
    imaging = service('imaging.wsdl', 'ImagingBinding', 'http://www.onvif.org/ver20/imaging/wsdl', where['http://www.onvif.org/ver20/imaging/wsdl'])
    imaging.SetImagingSettings(VideoSourceToken='VideoSource1', ImagingSettings={'Brightness': 60})
    assert imaging.GetImagingSettings(VideoSourceToken='VideoSource1').Brightness == 60


def drive_events():
    events_ns = 'http://www.onvif.org/ver10/events/wsdl'
    events = service('events.wsdl', 'EventBinding', events_ns, where[events_ns])
    assert events.GetEventProperties().FixedTopicSet
    made = events.CreatePullPointSubscription(InitialTerminationTime='PT60S')
    address = made.SubscriptionReference.Address._value_1
    pull = service('events.wsdl', 'PullPointSubscriptionBinding', events_ns, address)
    assert len(pull.PullMessages(Timeout=timedelta(seconds=1), MessageLimit=100).NotificationMessage) > 5
    pull.SetSynchronizationPoint()
    manager = service('events.wsdl', 'SubscriptionManagerBinding', events_ns, address)
    assert manager.Renew(TerminationTime='PT60S').TerminationTime
    manager.Unsubscribe()


drives = {'device': drive_device, 'media': drive_media, 'media2': drive_media2, 'ptz': drive_ptz, 'imaging': drive_imaging, 'events': drive_events}
for name in wanted:
    drives[name]()
    print(name, flush=True)
