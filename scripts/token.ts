/** The token command, `npm run token`: prints a token signed with this server's key and secret. */
import { z } from 'zod';
import { signToken, TOKEN_LIFETIME } from '../server/auth/tokens.ts';
import { Source } from '../shared/media.ts';
import { MAX_NAME, RoomPolicy } from '../shared/protocol.ts';
import { fail, readOptions } from './support/commandLine.ts';
import { readKeys, readRoom } from './support/roomOptions.ts';

const usage = `Usage: npm run token -- --room ROOM --identity ID [options]
  --name NAME          shown to the others
  --metadata TEXT      for the application
  --minutes N          how long it lives (default ${TOKEN_LIFETIME / 60})
  --sources A,B        what may be published (default: all): camera, microphone, screen, screenAudio
  --no-publish         may only watch
  --no-subscribe       may only publish
  --hidden             the others are not told
  --admin              may remove others, change what they may do, and run a broadcast
  --broadcast          for the broadcast of that name (/b/ROOM), not the call; --admin makes its host,
                       --no-publish a viewer
  --policy POLICY      how media travels, if its bearer opens the room: ${RoomPolicy.options.join(', ')} (default: WEIR_ROOM_POLICY)
  --api                for a program that uses the API (docs/api.md), rather than for somebody who joins: it may open,
                       close and list rooms, and with --room administer that one; without --identity
The key and the secret come from WEIR_API_KEY and WEIR_API_SECRET.`;

const given = readOptions(usage, {
  room: { type: 'string' },
  identity: { type: 'string' },
  name: { type: 'string' },
  metadata: { type: 'string' },
  minutes: { type: 'string' },
  sources: { type: 'string' },
  'no-publish': { type: 'boolean' },
  'no-subscribe': { type: 'boolean' },
  hidden: { type: 'boolean' },
  admin: { type: 'boolean' },
  broadcast: { type: 'boolean' },
  policy: { type: 'string' },
  api: { type: 'boolean' },
});
const auth = readKeys();
if (!auth) fail('Set WEIR_API_KEY and WEIR_API_SECRET (at least 32 characters) as the server has them.');
if (!given.api && !given.identity) fail(`--identity is missing.\n${usage}`);
const room = given.api && given.room === undefined ? undefined : readRoom(given.room, usage);
const sources = z
  .array(Source)
  .optional()
  .safeParse(given.sources?.split(',').map((name) => name.trim()));
if (!sources.success) fail(`--sources takes some of ${Source.options.join(', ')}, comma-separated.`);
const policy = RoomPolicy.optional().safeParse(given.policy);
if (!policy.success) fail(`--policy takes one of ${RoomPolicy.options.join(', ')}.`);
if (given.identity && given.identity.length > MAX_NAME) fail(`--identity takes at most ${MAX_NAME} characters.`);
const minutes = Number(given.minutes ?? TOKEN_LIFETIME / 60);
if (!(minutes > 0)) fail('--minutes takes a number above 0.');

const lifetime = Math.round(minutes * 60);
const broadcast = given.broadcast && { broadcast: true };

/** For a program that uses the API. */
const apiToken = () =>
  signToken({
    ...auth,
    lifetime,
    video: { roomCreate: true, roomList: true, ...(room !== undefined && { room, roomAdmin: true }), ...broadcast },
  });

/** For somebody who joins a room. */
const joinToken = () =>
  signToken({
    ...auth,
    identity: given.identity,
    name: given.name,
    metadata: given.metadata,
    lifetime,
    video: {
      room,
      roomJoin: true,
      ...(given['no-publish'] && { canPublish: false }),
      ...(given['no-subscribe'] && { canSubscribe: false }),
      ...(sources.data && { canPublishSources: sources.data }),
      ...(given.hidden && { hidden: true }),
      ...(given.admin && { roomAdmin: true }),
      ...broadcast,
      ...(policy.data && { policy: policy.data }),
    },
  });
process.stdout.write(`${await (given.api ? apiToken() : joinToken())}\n`);
