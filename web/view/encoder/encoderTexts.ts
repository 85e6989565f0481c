/** What is copied into encoders, players and a shell: addresses and commands, without DOM. */
import { baseUrl } from '../../client/index.ts';
import type { PageKind } from '../common/address.ts';

export interface EncoderRoom {
  readonly room: string;
  readonly kind: PageKind;
  /** Whether nobody enters without a token. */
  readonly asksForToken: boolean;
}

export interface EncoderTexts {
  /** Where encoders publish. */
  readonly whip: string;
  /** Where people watch. */
  readonly watch: string;
  /** Where players receive. */
  readonly whep: string;
  /** The page that plays this room, to be copied to another site. */
  readonly player: string;
  /** The command that makes a token for an encoder, and for a viewer; both undefined where none is needed. */
  readonly encoderToken: string | undefined;
  readonly viewerToken: string | undefined;
  readonly gstreamer: string;
  readonly ffmpeg: string;
}

/** How long the token of an encoder is good, in minutes: it is needed again when the encoder reconnects. */
const ENCODER_MINUTES = 720;

/** What simple-whip-client sends: pipelines of GStreamer that end in RTP. */
const AUDIO_PIPELINE = [
  'audiotestsrc is-live=true ! audioconvert ! audioresample ! queue',
  'opusenc ! rtpopuspay pt=111 ssrc=1 ! queue',
  'application/x-rtp,media=audio,encoding-name=OPUS,payload=111',
].join(' !\n    ');
const VIDEO_PIPELINE = [
  'videotestsrc is-live=true pattern=ball ! videoconvert ! queue',
  'vp8enc deadline=1 cpu-used=8 target-bitrate=1500000 keyframe-max-dist=60',
  'rtpvp8pay pt=96 ssrc=2 picture-id-mode=15-bit ! queue',
  'application/x-rtp,media=video,encoding-name=VP8,payload=96',
].join(' !\n    ');

export function encoderTexts({ room, kind, asksForToken }: EncoderRoom, base = baseUrl): EncoderTexts {
  const isBroadcast = kind === 'broadcast';
  const query = isBroadcast ? '?kind=broadcast' : '';
  // Of what encodeURIComponent leaves, only the apostrophe means something in a shell.
  const path = encodeURIComponent(room).replaceAll("'", '%27');
  const url = (page: string) => new URL(`${page}/${path}${query}`, base).href;
  const whip = url('whip');
  const player = new URL('player.html', base);
  player.search = String(new URLSearchParams({ room, ...(isBroadcast && { kind }) }));
  const token = (identity: string, grants: string) =>
    asksForToken
      ? `npm run token --${isBroadcast ? ' --broadcast' : ''} --room ${quoted(room)} --identity ${identity} ${grants}`
      : undefined;
  return {
    whip,
    watch: url('watch'),
    whep: url('whep'),
    player: player.href,
    encoderToken: token('encoder', `--no-subscribe --minutes ${ENCODER_MINUTES}`),
    viewerToken: token('viewer', '--no-publish'),
    gstreamer: [
      `whip-client -u '${whip}'${asksForToken ? ' -t "$TOKEN"' : ''}`,
      `-A '${AUDIO_PIPELINE}'`,
      `-V '${VIDEO_PIPELINE}'`,
    ].join(' \\\n  '),
    ffmpeg: [
      'ffmpeg -re -stream_loop -1 -i clip.mp4',
      '-c:v libx264 -preset veryfast -tune zerolatency -bf 0 -g 60',
      '-pix_fmt yuv420p -b:v 2500k',
      '-c:a libopus -ar 48000 -ac 2 -b:a 96k',
      `-f whip${asksForToken ? ' -authorization "$TOKEN"' : ''} '${whip}'`,
    ].join(' \\\n  '),
  };
}

/** A word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
