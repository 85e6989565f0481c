/** Tests of the manifests for Kubernetes: valid by its own schemas, and consistent with Weir, its image and its drain. */
import { readFileSync } from 'node:fs';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { Ingress } from 'kubernetes-models/networking.k8s.io/v1/Ingress';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { Namespace } from 'kubernetes-models/v1/Namespace';
import { Secret } from 'kubernetes-models/v1/Secret';
import { Service } from 'kubernetes-models/v1/Service';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import { readConfig } from '../../server/config/readConfig.ts';

const kinds = { Namespace, ConfigMap, Secret, Deployment, Service, Ingress };
const Manifest = z.looseObject({
  kind: z.enum(['Namespace', 'ConfigMap', 'Secret', 'Deployment', 'Service', 'Ingress']),
});
const read = (name: string) => readFileSync(new URL(`../../deploy/${name}`, import.meta.url), 'utf8');
const manifests = ['kubernetes/secret.yaml', 'kubernetes/weir.yaml']
  .flatMap((name) => parseAllDocuments(read(name)).map((document) => document.toJS({ maxAliasCount: 0 })))
  .map((manifest) => Manifest.parse(manifest));
const one = (kind: keyof typeof kinds) => manifests.find((manifest) => manifest.kind === kind);

const text = z.record(z.string(), z.string());
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string(), port: z.literal('http') }),
  periodSeconds: z.number(),
  timeoutSeconds: z.number().optional(),
  failureThreshold: z.number().optional(),
});
const port = z.strictObject({
  name: z.string(),
  containerPort: z.number(),
  hostPort: z.number(),
  protocol: z.literal('TCP'),
});
/** Kubernetes ignores fields that it does not know, a mistyped one too, and so do its schemas: this one refuses them. */
const PodSpec = z.strictObject({
  nodeSelector: text,
  hostNetwork: z.literal(true),
  dnsPolicy: z.literal('ClusterFirstWithHostNet'),
  terminationGracePeriodSeconds: z.number(),
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  securityContext: z.strictObject({
    runAsNonRoot: z.literal(true),
    runAsUser: z.number(),
    runAsGroup: z.number(),
    seccompProfile: z.strictObject({ type: z.literal('RuntimeDefault') }),
  }),
  containers: z.tuple([
    z.strictObject({
      name: z.string(),
      image: z.string(),
      envFrom: z.unknown(),
      env: z.array(z.strictObject({ name: z.string(), valueFrom: z.unknown() })),
      ports: z.array(port),
      startupProbe: probe,
      livenessProbe: probe,
      readinessProbe: probe,
      lifecycle: z.strictObject({ preStop: z.strictObject({ sleep: z.strictObject({ seconds: z.number() }) }) }),
      resources: z.strictObject({
        requests: z.record(z.string(), z.string()),
        limits: z.strictObject({ memory: z.string() }),
      }),
      securityContext: z.unknown(),
    }),
  ]),
});
const Pod = z.object({ spec: z.object({ template: z.object({ spec: PodSpec }) }) });

test.each(manifests.map((manifest) => [manifest.kind, manifest] as const))('%s is valid', (kind, manifest) => {
  const model = new kinds[kind](JSON.parse(JSON.stringify(manifest)));
  expect(() => model.validate()).not.toThrow();
});

describe('the pod', () => {
  const { spec } = Pod.parse(one('Deployment')).spec.template;
  const [container] = spec.containers;
  const { data } = z.object({ data: text }).parse(one('ConfigMap'));
  const { stringData } = z.object({ stringData: text }).parse(one('Secret'));
  const hostIp = Object.fromEntries(container.env.map(({ name }) => [name, '10.0.0.5']));
  const settings = { ...data, ...stringData, ...hostIp, WEIR_API_SECRET: 'x'.repeat(32), NODE_ENV: 'production' };
  const { config, warnings } = readConfig(settings);

  test('has settings that Weir takes, and ports that are those of Weir', () => {
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({ host: '10.0.0.5', trustProxy: 1, workers: 4 });
    expect(container.ports.map(({ name, containerPort, hostPort }) => [name, containerPort, hostPort])).toEqual([
      ['http', config.port, config.port],
      ['metrics', Number(data.WEIR_METRICS_PORT), Number(data.WEIR_METRICS_PORT)],
    ]);
    // Nobody runs it with a secret that everybody can read.
    expect(stringData.WEIR_API_SECRET).toBe('');
  });

  test('is given the time to drain, and ten seconds more', () => {
    const wait = container.lifecycle.preStop.sleep.seconds * 1000;
    expect(config.drainTime).toBeGreaterThan(0);
    expect(spec.terminationGracePeriodSeconds * 1000).toBeGreaterThanOrEqual(wait + config.drainTime + 10_000);
    expect(one('Service')).toMatchObject({ spec: { publishNotReadyAddresses: true } });
    expect(one('Deployment')).toMatchObject({ spec: { replicas: 1, strategy: { type: 'Recreate' } } });
  });

  test('has no right that it does not need, and is the user of the image', () => {
    const image = readFileSync(new URL('../../docker/Dockerfile', import.meta.url), 'utf8');
    expect(image).toContain(`USER ${spec.securityContext.runAsUser}`);
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    });
    expect(container).toMatchObject({
      startupProbe: { httpGet: { path: '/health' } },
      livenessProbe: { httpGet: { path: '/health' } },
      readinessProbe: { httpGet: { path: '/ready' } },
    });
  });
});
