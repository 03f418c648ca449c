/** What the page's routes reach, and what a handler of one gets. */
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../base/clock.ts';
import type { Log } from '../base/log.ts';
import type { AccountsDuty, Visitor } from '../duties/accounts.ts';
import type { AlarmList } from '../duties/alarmlist.ts';
import type { ConsentWish, EnrolWish } from '../duties/enrol.ts';
import type { LogPage } from '../duties/logbook.ts';
import type { SpacePrivacy } from '../duties/privacy.ts';
import type { Principal } from '../duties/sessions.ts';
import type { Site } from '../duties/site.ts';
import type { WatchLog } from '../duties/watchlog.ts';
import type { By } from '../policy/access.ts';
import type { Vault } from '../vault/vault.ts';
import type { PageOperations } from './contract.ts';
import type { Who } from './pageauth.ts';
import type { Enrolled, PageQueryOf, PageReplyOf, PageRequestOf, PageRouteName, Timeline } from './pagecontract.ts';
import type { PageFiles } from './pagefiles.ts';
import type { SealedFile } from './pagesegments.ts';
import type { Reach } from './reach.ts';
import type { Shown } from './tls.ts';

/** Sealed footage, for a browser that opens it. */
export interface PlaybackPart {
  timeline(query: PageQueryOf<'timeline'>): Promise<Timeline>;
  slot(camera: string, slot: number, generation: number): Promise<Uint8Array>;
  segment(camera: string, stream: 'main' | 'sub', seq: number): Promise<SealedFile>;
  secondHeader(camera: string, stream: 'main' | 'sub', seq: number, slot: number): Promise<Uint8Array>;
}

/** Alarms, for a browser that opens their pictures. */
export type AlarmsPart = Pick<AlarmList, 'list' | 'picture' | 'mark' | 'test' | 'ofNotice'>;

export interface PrivacyPart {
  of(space: string): SpacePrivacy | undefined;
  switch(space: string, on: boolean, account: string): Promise<void>;
}

/** What the page needs of the site; all else of it goes through the operations. */
export type PageSite = Pick<Site, 'config' | 'cameras' | 'facts' | 'owner' | 'ownerLists' | 'changeCamera' | 'settings' | 'planSettings' | 'changeSettings' | 'rulesAfter' | 'spaces'>;

/** Persons who are recognised; `by` is an account's id. */
export interface PeoplePart {
  list(by: string): Promise<PageReplyOf<'people'>>;
  picture(person: string, by: string): Promise<Uint8Array>;
  /** The JPEG is wiped. */
  check(picture: Buffer): Promise<PageReplyOf<'peopleCheck'>>;
  /** The JPEGs are wiped. */
  enrol(wish: EnrolWish, by: string): Promise<Enrolled>;
  renew(person: string, consent: ConsentWish, by: string): Promise<Enrolled>;
  forget(person: string, by: By): Promise<PageReplyOf<'personForget'>>;
}

/** What other duties bring. All of it is there: what were left out would be a door that stands open, such as privacy that nobody asks. */
export interface DutyParts {
  readonly playback: PlaybackPart;
  readonly alarms: AlarmsPart;
  readonly privacy: PrivacyPart;
  readonly people: PeoplePart;
  /** A JPEG of this moment. */
  readonly still: (camera: string) => Promise<Uint8Array>;
  readonly logs: (query: PageQueryOf<'logs'>) => Promise<LogPage>;
}

/** All that the routes reach. */
export interface PageRooms extends DutyParts {
  readonly accounts: AccountsDuty;
  readonly site: PageSite;
  readonly vault: Pick<Vault, 'auditBefore' | 'periodCameras' | 'periodOfSlot' | 'replaceSlot' | 'audit' | 'publicKey'>;
  readonly operations: PageOperations;
  readonly watchLog: WatchLog;
  readonly clock: Clock;
  readonly log: Log;
  readonly reach: () => Reach;
  readonly shown: () => Shown | undefined;
  readonly files: PageFiles;
  /** Whose connection it is. */
  readonly isIn: (request: IncomingMessage, account: string) => void;
}

/** What a handler gets. */
export interface Ask<R extends PageRouteName> {
  readonly who: Who;
  readonly visitor: Visitor;
  readonly body: PageRequestOf<R>;
  readonly query: PageQueryOf<R>;
  readonly params: Readonly<Record<string, string>>;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  /** SP_PAGE_SESSION where nobody is. */
  readonly principal: Principal;
}

export type Handlers = { readonly [R in PageRouteName]: (ask: Ask<R>) => Promise<PageReplyOf<R> | FastifyReply> };
