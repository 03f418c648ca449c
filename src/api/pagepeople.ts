/** The page's routes about persons who agreed to be recognised. */
import { byOf } from './pageaccess.ts';
import { prove } from './pageaccounts.ts';
import type { Handlers, PageRooms } from './pagerooms.ts';

export function peopleHandlers({ accounts, people }: PageRooms) {
  return {
    people: async ({ principal }) => people.list(principal.account.id),
    personPicture: async ({ params, principal, reply }) => {
      const jpeg = await people.picture(params['person'] ?? '', principal.account.id);
      return reply.type('image/jpeg').header('content-length', String(jpeg.length)).send(jpeg);
    },
    peopleCheck: async ({ body }) => people.check(Buffer.from(body.picture, 'base64url')),
    enrol: async (ask) => {
      prove(accounts, ask, 'enrolling a person');
      const { name, how, givenBy, consent, pictures } = ask.body;
      return people.enrol({ name, how, givenBy, consent, pictures: pictures.map((picture) => Buffer.from(picture, 'base64url')) }, ask.principal.account.id);
    },
    personRenew: async (ask) => {
      prove(accounts, ask, 'renewing a consent');
      const { how, givenBy, consent } = ask.body;
      return people.renew(ask.params['person'] ?? '', { how, givenBy, consent }, ask.principal.account.id);
    },
    personForget: async (ask) => {
      prove(accounts, ask, 'forgetting a person');
      return people.forget(ask.params['person'] ?? '', byOf(ask.principal));
    },
  } satisfies Partial<Handlers>;
}
