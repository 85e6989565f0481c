/**
 * The log as a file in the dump format of chrome://webrtc-internals (Chromium's `dump_creator.js`), which its viewers open.
 *
 * | field | what viewers need of it |
 * |---|---|
 * | `UserAgent`, `UserAgentData` | shown; viewers for Chromium 138 and later refuse a dump without the second |
 * | `getUserMedia` | a list, which may be empty |
 * | `PeerConnections` | by id: `pid`, `url`, `rtcConfiguration` (JSON text), `updateLog`, `stats` |
 * | `updateLog` | `type`, `value` (text), and the time: `timestamp` (milliseconds) since Chromium 138, `time` (text) before |
 * | `stats` | by `<id>-<name>`: `statsType`, `startTime`, `endTime` (ISO 8601), `values`: the JSON text of a list |
 * | `stats['<id>-timestamp']` | the time of each sample of that object; a shorter series is aligned with its end |
 * | `stats['<id>-[...]']` | what Chromium derives from the counters: viewers plot rates only if the dump has them |
 *
 * Descriptions and candidates are written in the form before Chromium 138 (`type: offer, sdp: ...`), and states without
 * `on`, which old and new viewers parse. The signalling is a peer connection without statistics, since viewers show each
 * entry of `PeerConnections` as a list of events.
 */
import type { ConnectionRecord } from './ConnectionRecord.ts';
import { derivedSeries } from './derivedSeries.ts';
import type { LogEvent } from './EventLog.ts';
import { redactAddresses, redactMessage, redactSdp, replaceSecrets } from './redact.ts';
import type { StatsSeries, StatsValue } from './StatsHistory.ts';

export interface DumpOptions {
  /** Whether IP addresses are kept. Without it each is replaced by a name, the same one each time. */
  readonly addresses?: boolean;
}

export interface DumpContent {
  /** By number. */
  readonly connections: ReadonlyMap<number, Pick<ConnectionRecord, 'configuration' | 'events' | 'stats'>>;
  readonly signalling: readonly LogEvent[];
}

/** @returns the text of the file: JSON, without tokens, keys, passwords and credentials, names and the room */
export function createDump({ connections, signalling }: DumpContent, { addresses = false }: DumpOptions = {}): string {
  const secrets = new Set<string>();
  // The path names the room, and whoever knows that may join on an open server.
  const url = 'location' in globalThis ? location.origin : '';
  const record = (configuration: string, updateLog: readonly LogEvent[], stats: object) => ({
    pid: 0,
    url,
    rtcConfiguration: configuration,
    constraints: '',
    updateLog: updateLog.map(toUpdate),
    stats,
  });
  const peerConnections = Object.fromEntries([
    [
      'signalling',
      record(
        '{}',
        signalling.map((event) => ({ ...event, value: redactMessage(event.value, secrets) })),
        {},
      ),
    ],
    ...[...connections].map(([number, { configuration, events, stats }]) => [
      `0-${number}`,
      record(
        configuration,
        events.events.map((event) => ({ ...event, value: redactSdp(event.value, secrets) })),
        statsOf(stats.objects),
      ),
    ]),
  ]);
  const text = replaceSecrets(JSON.stringify({ getUserMedia: [], PeerConnections: peerConnections }, null, 1), secrets);
  // The version of a browser can look like an address.
  const agent = { UserAgent: navigator.userAgent, UserAgentData: [] };
  return `${(addresses ? text : redactAddresses(text)).slice(0, -2)},\n${JSON.stringify(agent, null, 1).slice(2)}\n`;
}

function toUpdate({ time, type, value }: LogEvent) {
  return { time: new Date(time).toLocaleString('en-US'), timestamp: time, type, value };
}

function statsOf(objects: ReadonlyMap<string, StatsSeries>): Record<string, object> {
  const entries: Record<string, object> = {};
  for (const [id, { type, series }] of objects) {
    const times = (series.get('timestamp') ?? []).filter((time) => typeof time === 'number');
    const add = (name: string, values: readonly StatsValue[]) => {
      entries[`${id}-${name}`] = {
        startTime: isoTime(times.at(-values.length)),
        endTime: isoTime(times.at(-1)),
        statsType: type,
        values: JSON.stringify(values),
      };
    };
    for (const [name, values] of series) add(name, values);
    for (const [name, values] of derivedSeries(series, times)) add(name, values);
  }
  return entries;
}

function isoTime(time: number | undefined): string {
  return new Date(time ?? 0).toISOString();
}
