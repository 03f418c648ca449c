"""Drives the emulator's services as python3-zeep understands their WSDL files, offline. Arguments: folder of WSDL files, host and port, user; the password comes by stdin."""
import sys
from datetime import timedelta
from zeep import Client
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

folder, origin, user = sys.argv[1:4]
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


def told(name):
    print(name, flush=True)


device = service('devicemgmt.wsdl', 'DeviceBinding', 'http://www.onvif.org/ver10/device/wsdl', f'http://{origin}/onvif/device_service')
where = {one.Namespace: one.XAddr for one in device.GetServices(IncludeCapability=False)}
assert device.GetDeviceInformation()['FirmwareVersion'] == '5.10'
assert device.GetSystemDateAndTime().UTCDateTime.Date.Year > 2000
assert device.GetUsers()[0].UserLevel == 'Administrator'
assert device.GetScopes() and device.GetNetworkInterfaces() and device.GetRelayOutputs() and device.GetCapabilities(Category='All').Events.XAddr
device.SetHostname(Name='porch')
assert device.GetHostname().Name == 'porch'
told('device')

media = service('media.wsdl', 'MediaBinding', 'http://www.onvif.org/ver10/media/wsdl', where['http://www.onvif.org/ver10/media/wsdl'])
profiles = media.GetProfiles()
assert [one.token for one in profiles] == ['profile_main', 'profile_sub'] and profiles[0].PTZConfiguration.NodeToken == 'PTZNode1'
assert media.GetStreamUri(StreamSetup={'Stream': 'RTP-Unicast', 'Transport': {'Protocol': 'RTSP'}}, ProfileToken='profile_main').Uri.endswith('/main')
assert media.GetSnapshotUri(ProfileToken='profile_sub').Uri.endswith('sub.jpg')
assert media.GetVideoEncoderConfigurationOptions(ConfigurationToken='VEC_sub').H264.GovLengthRange.Max >= 1
told('media')

ptz = service('ptz.wsdl', 'PTZBinding', 'http://www.onvif.org/ver20/ptz/wsdl', where['http://www.onvif.org/ver20/ptz/wsdl'])
assert ptz.GetNodes()[0].HomeSupported and ptz.GetConfigurations()
ptz.ContinuousMove(ProfileToken='profile_main', Velocity={'PanTilt': {'x': 1, 'y': 0}}, Timeout=timedelta(seconds=5))
assert ptz.GetStatus(ProfileToken='profile_main').MoveStatus.PanTilt == 'MOVING'
ptz.Stop(ProfileToken='profile_main')
assert ptz.SetPreset(ProfileToken='profile_main', PresetName='gate') == '1'
assert ptz.GetPresets(ProfileToken='profile_main')[0].Name == 'gate'
told('ptz')

imaging = service('imaging.wsdl', 'ImagingBinding', 'http://www.onvif.org/ver20/imaging/wsdl', where['http://www.onvif.org/ver20/imaging/wsdl'])
imaging.SetImagingSettings(VideoSourceToken='VideoSource1', ImagingSettings={'Brightness': 60})
assert imaging.GetImagingSettings(VideoSourceToken='VideoSource1').Brightness == 60
told('imaging')

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
told('events')
