/** Reads the environment variables for coturn: what Weir's own say of the TURN server, and those of `npm run turn`. */
import { X509Certificate } from 'node:crypto';
import { z } from 'zod';
import type { TurnserverOptions } from '../ice/turnserverConf.ts';
import type { Config } from './Config.ts';
import { ConfigError } from './ConfigError.ts';
import { readConfig } from './readConfig.ts';
import { readTls } from './tls.ts';
import { parseTurnUri, type TurnUri } from './variable.ts';
import { variables } from './variables.ts';

export interface Turnserver {
  readonly config: Config;
  /** All but what is known when it starts. */
  readonly options: Omit<TurnserverOptions, 'sfuAddresses' | 'stateDirectory' | 'user'>;
  /** The URLs for WEIR_TURN_URLS; undefined where none is configured. */
  readonly urls: readonly string[] | undefined;
  /** The first host name of the certificate. */
  readonly certificateName: string | undefined;
  readonly warnings: readonly string[];
}

const DEFAULT_PORT = { turn: 3478, turns: 443 } as const;
const Own = z.object({
  WEIR_TURN_HOST: variables.WEIR_TURN_HOST.schema,
  WEIR_TURN_RELAY_PORTS: variables.WEIR_TURN_RELAY_PORTS.schema,
  WEIR_TURN_TLS_CERT: variables.WEIR_TURN_TLS_CERT.schema,
  WEIR_TURN_TLS_KEY: variables.WEIR_TURN_TLS_KEY.schema,
  WEIR_TLS_CERT: variables.WEIR_TLS_CERT.schema,
  WEIR_TLS_KEY: variables.WEIR_TLS_KEY.schema,
});

/** @throws {ConfigError} for the first invalid variable, or for what coturn cannot do */
export function readTurnserver(environment: Readonly<Record<string, string | undefined>>): Turnserver {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value?.trim()));
  if (given.WEIR_TURN_SECRET === undefined) {
    throw new ConfigError(
      'WEIR_TURN_SECRET is missing: Weir and coturn share it. Make one (openssl rand -base64 36), and give it to both.',
    );
  }
  // Without URLs the server can start; then it says which ones Weir needs.
  const { config, warnings } = readConfig({ WEIR_TURN_URLS: 'turn:localhost', ...given });
  const own = Own.parse(given);
  const uris = given.WEIR_TURN_URLS === undefined ? undefined : (config.turn?.urls ?? []).flatMap(parsed);
  const certificate = readCertificate(own);
  const tlsPort = portOf('turns', uris) ?? (uris === undefined && certificate ? DEFAULT_PORT.turns : undefined);
  if (tlsPort !== undefined && !certificate) {
    throw new ConfigError(
      'WEIR_TURN_URLS has a turns: URL, which needs a certificate: set WEIR_TURN_TLS_CERT and WEIR_TURN_TLS_KEY, or leave the URL out.',
    );
  }
  return {
    config,
    options: {
      secret: given.WEIR_TURN_SECRET,
      realm: uris?.[0]?.host ?? certificate?.name ?? 'weir',
      listeningAddresses: own.WEIR_TURN_HOST ?? [],
      port: portOf('turn', uris) ?? DEFAULT_PORT.turn,
      tls: certificate && tlsPort !== undefined ? { ...certificate.paths, port: tlsPort } : undefined,
      relayPorts: own.WEIR_TURN_RELAY_PORTS,
    },
    urls: uris && config.turn?.urls,
    certificateName: certificate?.name,
    warnings,
  };
}

function parsed(url: string): TurnUri[] {
  const uri = parseTurnUri(url);
  return uri ? [uri] : [];
}

/** coturn has one port for `turn:`, UDP and TCP, and one for `turns:`. */
function portOf(scheme: TurnUri['scheme'], uris: readonly TurnUri[] | undefined): number | undefined {
  const ports = new Set(uris?.filter((uri) => uri.scheme === scheme).map(({ port }) => port));
  if (ports.size > 1) {
    throw new ConfigError(
      `WEIR_TURN_URLS has several ports for ${scheme}: (${[...ports].join(', ')}); coturn listens on one of them: name one.`,
    );
  }
  return [...ports][0];
}

function readCertificate(own: z.infer<typeof Own>) {
  const isOwn = own.WEIR_TURN_TLS_CERT !== undefined || own.WEIR_TURN_TLS_KEY !== undefined;
  const cert = isOwn ? own.WEIR_TURN_TLS_CERT : own.WEIR_TLS_CERT;
  const key = isOwn ? own.WEIR_TURN_TLS_KEY : own.WEIR_TLS_KEY;
  if (cert === undefined && key === undefined) return undefined;
  if (cert === undefined || key === undefined) {
    throw new ConfigError('WEIR_TURN_TLS_CERT and WEIR_TURN_TLS_KEY belong together: set both, or neither.');
  }
  const { subjectAltName } = new X509Certificate(readTls(cert, key, isOwn ? 'WEIR_TURN_TLS' : 'WEIR_TLS').cert);
  return { paths: { cert, key }, name: subjectAltName?.match(/DNS:([^,*\s]+)/)?.[1] };
}
