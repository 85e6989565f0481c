/** Reads compose files as compose does, and converts them to arguments of podman. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';

const directory = join(import.meta.dirname, '../../docker');
const seconds = z
  .string()
  .regex(/^\d+s$/)
  .transform((text) => Number.parseInt(text, 10));

/** A service. The schema is strict, so that `podmanArguments` overlooks no setting. */
const Service = z.strictObject({
  image: z.string(),
  build: z.strictObject({ context: z.literal('..'), dockerfile: z.literal('docker/Dockerfile') }),
  network_mode: z.enum(['host', 'bridge']),
  environment: z.record(z.string(), z.string()),
  ports: z.array(z.string()).default([]),
  stop_grace_period: seconds,
  ulimits: z.strictObject({ nofile: z.number() }),
  /** Podman has its own. */
  logging: z.unknown(),
  read_only: z.boolean(),
  cap_drop: z.array(z.string()),
  security_opt: z.array(z.string()),
  restart: z.literal('unless-stopped'),
  healthcheck: z.strictObject({
    test: z.tuple([z.literal('CMD')], z.string()),
    interval: z.string(),
    timeout: z.string(),
    start_period: z.string(),
  }),
});
export type Service = z.infer<typeof Service>;

/** What the services of the TURN server have in common with that, and of their own. */
const TurnService = z.strictObject({
  profiles: z.tuple([z.literal('turn')]),
  image: z.string(),
  build: z.unknown().optional(),
  network_mode: z.literal('host'),
  environment: z.record(z.string(), z.string()).default({}),
  entrypoint: z.array(z.string()),
  volumes: z.array(z.string()),
  depends_on: z.record(z.string(), z.strictObject({ condition: z.string() })).default({}),
  user: z.string().optional(),
  tmpfs: z.array(z.string()).default([]),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  cap_add: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  healthcheck: z.strictObject({ disable: z.literal(true) }).optional(),
  logging: z.unknown().optional(),
  restart: z.enum(['no', 'unless-stopped']),
});
export type TurnService = z.infer<typeof TurnService>;

/** What else may run beside Weir, by a profile. */
const SideService = z.strictObject({
  profiles: z.tuple([z.enum(['https', 'metrics'])]),
  image: z.string(),
  network_mode: z.literal('host'),
  environment: z.record(z.string(), z.string()).default({}),
  entrypoint: z.array(z.string()).optional(),
  command: z.array(z.string()).default([]),
  volumes: z.array(z.string()),
  tmpfs: z.array(z.string()).default([]),
  read_only: z.literal(true),
  cap_drop: z.tuple([z.literal('ALL')]),
  cap_add: z.array(z.literal('NET_BIND_SERVICE')).default([]),
  security_opt: z.tuple([z.literal('no-new-privileges')]),
  restart: z.literal('unless-stopped'),
});

const services = z.record(z.string(), z.unknown());
const File = z.strictObject({
  services: z.strictObject({
    weir: services,
    'turn-configuration': services.optional(),
    coturn: services.optional(),
    caddy: SideService.optional(),
    prometheus: SideService.optional(),
    grafana: SideService.optional(),
  }),
  volumes: z.record(z.string(), z.null()).optional(),
});

/** The services of the TURN server, with these settings of their user. */
export function readTurnServices(settings: Readonly<Record<string, string>> = {}) {
  const read = File.parse(parse(text('compose.yml'))).services;
  const { environment, ...configuration } = TurnService.parse(read['turn-configuration']);
  const values = Object.entries(environment).map(([name, value]) => [name, filled(value, settings)]);
  return {
    configuration: { ...configuration, environment: Object.fromEntries(values) },
    coturn: TurnService.parse(read.coturn),
  };
}

/** What runs beside Weir and coturn. @throws {z.ZodError} where one has a right that it does not need */
export function readSideServices() {
  const { caddy, prometheus, grafana } = File.parse(parse(text('compose.yml'))).services;
  if (!caddy || !prometheus || !grafana) throw new Error('compose.yml lacks one of caddy, prometheus and grafana.');
  return { caddy, prometheus, grafana };
}

/** The variables that a compose file requires. */
export function asked(file: string): string[] {
  return [...text(file).matchAll(/\$\{(\w+)/g)].map(([, name = '']) => name);
}

/** The service in these files, the later overriding the earlier, with these settings of its user. */
export function readService(files: readonly string[], settings: Readonly<Record<string, string>> = {}): Service {
  let merged: Record<string, unknown> = {};
  for (const file of files) {
    const { weir } = File.parse(parse(text(file))).services;
    const environment = { ...Object(merged.environment), ...Object(weir.environment) };
    merged = { ...merged, ...weir, environment };
  }
  const service = Service.parse(merged);
  const environment = Object.entries(service.environment).map(([name, value]) => [name, filled(value, settings)]);
  return { ...service, environment: Object.fromEntries(environment) };
}

/** The arguments of `podman run` for it, without a restart policy, since tests check its exit. */
export function podmanArguments({ environment, ports, healthcheck, ...service }: Service): string[] {
  const [, ...command] = healthcheck.test;
  return [
    ...['--network', service.network_mode],
    ...Object.entries(environment).flatMap(([name, value]) => ['--env', `${name}=${value}`]),
    ...ports.flatMap((port) => ['--publish', port]),
    ...['--stop-timeout', String(service.stop_grace_period)],
    // Without the right to raise limits, podman gives no more than this process may have. One that is set here takes the
    // place of all defaults in containers.conf.
    ...['--ulimit', `nofile=${Math.min(service.ulimits.nofile, maxOpenFiles())}`, '--ulimit', 'nproc=1024:1024'],
    // By default podman adds writable tmpfs mounts; compose does not.
    ...(service.read_only ? ['--read-only', '--read-only-tmpfs=false'] : []),
    ...service.cap_drop.flatMap((name) => ['--cap-drop', name]),
    ...service.security_opt.flatMap((option) => ['--security-opt', option]),
    ...['--health-cmd', JSON.stringify(command), '--health-interval', healthcheck.interval],
    ...['--health-timeout', healthcheck.timeout, '--health-start-period', healthcheck.start_period],
  ];
}

/** The hard limit of open files of this process. */
function maxOpenFiles(): number {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  return Number(/^Max open files +\S+ +(\d+)/m.exec(limits)?.[1] ?? Number.POSITIVE_INFINITY);
}

function text(file: string): string {
  return readFileSync(join(directory, file), 'utf8');
}

/** Expands `${NAME:-default}` and `${NAME:?why}`; an empty variable counts as unset. */
function filled(value: string, settings: Readonly<Record<string, string>>): string {
  return value.replace(/\$\{(\w+):([-?])([^}]*)\}/g, (_all, name: string, kind: string, rest: string) => {
    const given = settings[name];
    if (given) return given;
    if (kind === '?') throw new Error(`${name}: ${rest}`);
    return rest;
  });
}
