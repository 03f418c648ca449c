/** Settings: a section for each thing that somebody looks after, and only those that the account may see. */
import type { FunctionComponent } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { Right } from '../../policy/access.ts';
import { has, useHeld, type Held } from '../held.tsx';
import { Heading, Link } from '../navigation.tsx';
import { settingsSections, type SettingsSection } from '../router.ts';
import { say } from '../strings.ts';
import { AlarmSettings } from '../settings/alarms.tsx';
import { ApprovalsSettings } from '../settings/approvals.tsx';
import { AuditSettings } from '../settings/audit.tsx';
import { CamerasSettings } from '../settings/cameras.tsx';
import { EgressSettings } from '../settings/egress.tsx';
import { FacesSettings } from '../settings/faces.tsx';
import { KeepSettings } from '../settings/keep.tsx';
import { LogSettings } from '../settings/logs.tsx';
import { MeSettings } from '../settings/me.tsx';
import { PeopleSettings } from '../settings/people.tsx';
import { PrivacySettings } from '../settings/privacy.tsx';
import { SystemSettings } from '../settings/system.tsx';
import { Empty } from '../parts/states.tsx';

const sections: Readonly<Record<SettingsSection, { readonly page: FunctionComponent; readonly need: Right | undefined }>> = {
  cameras: { page: CamerasSettings, need: 'status' },
  keep: { page: KeepSettings, need: 'status' },
  people: { page: PeopleSettings, need: 'people' },
  faces: { page: FacesSettings, need: 'people' },
  me: { page: MeSettings, need: undefined },
  privacy: { page: PrivacySettings, need: 'privacy' },
  alarms: { page: AlarmSettings, need: 'configure' },
  approvals: { page: ApprovalsSettings, need: 'status' },
  egress: { page: EgressSettings, need: 'audit' },
  audit: { page: AuditSettings, need: 'audit' },
  logs: { page: LogSettings, need: 'status' },
  system: { page: SystemSettings, need: 'status' },
};

export function Settings({ section }: { readonly section: SettingsSection }) {
  const held = useHeld();
  const Section = sections[section].page;
  const here = useRef<HTMLElement>(null);
  useEffect(() => { here.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' }); }, [section]);
  return <div class="settings medium">
    <Heading>{`${say.settings.title}: ${say.settings.sections[section]}`}</Heading>
    <nav class="subnav" ref={here} aria-label={say.settings.title}><ul>
      {settingsSections.filter((one) => maySee(held, one)).map((one) => <li key={one}><Link to={{ page: 'settings', section: one }} aria-current={one === section ? 'page' : undefined}>{say.settings.sections[one]}</Link></li>)}
    </ul></nav>
    {maySee(held, section) ? <Section /> : <Empty icon="hidden" title={say.settings.noRight} />}
  </div>;
}

function maySee(held: Held, section: SettingsSection): boolean {
  const { need } = sections[section];
  return need === undefined || has(held, need);
}
