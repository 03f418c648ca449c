/** What the duties bring to the page's door: live pictures and stills, talking, sealed footage, privacy. */
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { AlarmList } from '../duties/alarmlist.ts';
import type { CourierDuty } from '../duties/doors.ts';
import type { EnrolDuty } from '../duties/enrol.ts';
import type { LiveDuty } from '../duties/live.ts';
import { newestLines } from '../duties/logbook.ts';
import type { PanelDuty } from '../duties/panel.ts';
import type { PlaybackDuty } from '../duties/playback.ts';
import type { PrivacyDuty } from '../duties/privacy.ts';
import type { StillDuty } from '../duties/still.ts';
import type { TalkDuty } from '../duties/talk.ts';
import { serveLive } from './livesocket.ts';
import type { PageParts } from './page.ts';
import { serveTalkSocket } from './talksocket.ts';

export interface PageDuties {
  readonly live: LiveDuty;
  readonly panel: PanelDuty;
  readonly talk: TalkDuty;
  readonly playback: PlaybackDuty;
  readonly alarmList: AlarmList;
  readonly stills: StillDuty;
  readonly privacy: PrivacyDuty;
  readonly enrol: EnrolDuty;
  readonly courier: Pick<CourierDuty, 'setSecret'>;
  /** Where the operator's log lies. */
  readonly logFolder: string;
  readonly clock: Clock;
  readonly log: Log;
}

export function pageParts({ live, panel, talk, playback, alarmList, stills, privacy, enrol, courier, logFolder, clock, log }: PageDuties): PageParts {
  return {
    live: (socket, ask, signal) => serveLive(socket, live, ask, { clock, log, signal }),
    panel: (socket, ask, signal) => serveLive(socket, panel, { ...ask, mayListen: false }, { clock, log, signal }),
    talk: (socket, { camera, account }, signal) => serveTalkSocket(socket, (id, sound, gone) => talk.talk(id, sound, gone, { who: 'page', account }), { camera }, { clock, log, signal }),
    playback,
    alarms: alarmList,
    people: enrol,
    destinationSecret: (name, text, account) => courier.setSecret(name, text, { who: 'page', account }),
    still: (camera) => stills.still(camera),
    logs: (query) => newestLines(logFolder, query),
    privacy: {
      of: (space) => privacy.of(space),
      switch: (space, on, account) => privacy.switch(space, on, { who: 'page', account }),
    },
  };
}
