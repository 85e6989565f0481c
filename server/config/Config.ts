/** Weir's configuration: validated, immutable. Durations are in milliseconds, sizes in bytes, bitrates in bit/s. */
import type { CodecChoice, RoomKind, RoomPolicy } from '../../shared/protocol.ts';
import type { WebhookSettings } from '../api/webhooks/WebhookSettings.ts';
import type { HostPort } from '../common/hostPort.ts';
import type { TurnSettings } from '../ice/IceServers.ts';
import type { LoadLimits } from '../media/WorkerPool.ts';
import type { ChatSettings } from '../room/Chat.ts';
import type { RoomDelays } from '../room/RoomDelays.ts';
import type { Tls } from './tls.ts';

export interface MetricsConfig {
  /** TCP port of metrics alone, 0 for any; undefined where there is none. */
  readonly port: number | undefined;
  /** Where that port listens. */
  readonly host: string;
  /** What requests have to bear; without it there are no metrics on the port of page and API. */
  readonly token: string | undefined;
}

/** A key and its secret, which signs tokens. */
export interface ApiKey {
  readonly apiKey: string;
  readonly apiSecret: string;
}

/** The key that Weir signs with, and others that it accepts too. */
export interface ApiKeys extends ApiKey {
  readonly furtherKeys: readonly ApiKey[];
}

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Such as `/meet`; empty where Weir is at the root of its host. */
  readonly basePath: string;
  readonly tls: Tls | undefined;
  /** IP addresses on which media is received; a wildcard stands for all of its family, and IPv6 ones take no IPv4. */
  readonly rtcHosts: readonly string[];
  /** The first media port, or 0 for any. */
  readonly rtcPort: number;
  /** IP addresses and host names as configured; empty where Weir has to find them itself. */
  readonly announcedAddresses: readonly string[];
  /** Undefined without TURN servers. */
  readonly turn: TurnSettings | undefined;
  /** UDP port of Weir's own STUN server, 0 for any; undefined where it is off. */
  readonly stunPort: number | undefined;
  /** A STUN server elsewhere, which is asked at start which address it sees. */
  readonly stunServer: HostPort | undefined;
  /** First and last port of plain RTP; undefined where it is off. */
  readonly rtpPorts: readonly [number, number] | undefined;
  /** The networks that plain RTP may be sent to, such as `192.0.2.0/24`. */
  readonly rtpEgressNetworks: readonly string[];
  /** How long a source of plain RTP may send nothing, or nothing may be published that is to be sent. */
  readonly rtpIdleTimeout: number;
  /** TCP port of RTMP, 0 for any; undefined where it is off. */
  readonly rtmpPort: number | undefined;
  /** Path of ffmpeg, or its name. */
  readonly ffmpeg: string;
  /** Where Prometheus may read metrics; undefined where it may not. */
  readonly metrics: MetricsConfig | undefined;
  readonly workers: number;
  /** Undefined where no token is required. */
  readonly auth: ApiKeys | undefined;
  /** Undefined where events are sent nowhere. */
  readonly webhooks: WebhookSettings | undefined;
  /** A path. */
  readonly dataDir: string;
  readonly tokenLeeway: number;
  readonly tokenMaxLifetime: number;
  readonly allowedOrigins: readonly string[];
  /** How many proxies in front of Weir are trusted. */
  readonly trustProxy: number;
  readonly logLevel: string;
  readonly cameraCodec: CodecChoice;
  readonly screenCodec: CodecChoice;
  /** Of calls for which nobody chooses a policy. */
  readonly roomPolicy: RoomPolicy;
  /** How many others are heard at once in a large room. */
  readonly maxAudibleSpeakers: number;
  readonly load: LoadLimits;
  readonly joinQueue: { readonly concurrency: number; readonly length: number; readonly timeout: number };
  /** In one room, by its kind. */
  readonly maxPeers: Readonly<Record<RoomKind, number>>;
  readonly chat: ChatSettings;
  /** Whether clients may test their connection: the page `/diagnose`, and rooms of the kind `diagnosis`. */
  readonly diagnose: boolean;
  readonly maxConnectionsPerIp: number;
  readonly maxIncomingBitrate: number;
  readonly dataBitrate: number;
  readonly fileBitrate: number;
  /** 0 where files are off. */
  readonly fileMaxBytes: number;
  /** Whether clients that cannot open a WebSocket may use server-sent events and long polling. */
  readonly httpSignalling: boolean;
  readonly maxMessageBytes: number;
  readonly maxSendBuffer: number;
  readonly messagesPerSecond: number;
  readonly messageBurst: number;
  readonly joinTimeout: number;
  readonly pingInterval: number;
  readonly signallingTimeout: number;
  readonly resumeWindow: number;
  readonly drainTime: number;
  readonly workerResponseTimeout: number;
  /** Whether the server tests itself when it has started. */
  readonly selfTest: boolean;
  /** Set by tests only, which shorten the delays of a room; no variable sets them. */
  readonly delays?: RoomDelays;
}
