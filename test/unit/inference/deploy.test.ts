import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { repository } from "../../support/python.js";

const meta = z.strictObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()),
});
const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.enum(["/v2/health/ready", "/v2/health/live"]), port: z.literal("http") }),
  periodSeconds: z.int(),
  failureThreshold: z.int(),
});
const label = z.strictObject({ matchLabels: z.record(z.string(), z.string()) });

/** The fields of Kubernetes' API that the file uses, spelt as the API spells them; others are refused. */
const kinds = {
  PersistentVolumeClaim: z.strictObject({
    accessModes: z.array(z.literal("ReadWriteMany")),
    resources: z.strictObject({ requests: z.strictObject({ storage: z.string() }) }),
  }),
  Deployment: z.strictObject({
    replicas: z.int(),
    selector: label,
    strategy: z.strictObject({
      rollingUpdate: z.strictObject({ maxUnavailable: z.int(), maxSurge: z.int() }),
    }),
    template: z.strictObject({
      metadata: z.strictObject({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
      spec: z.strictObject({
        terminationGracePeriodSeconds: z.int(),
        containers: z.tuple([
          z.strictObject({
            name: z.string(),
            image: z.string(),
            args: z.array(z.string()),
            ports: z.array(z.strictObject({ name: z.string(), containerPort: z.int() })),
            resources: z.strictObject({
              requests: z.record(z.string(), z.string()),
              limits: z.record(z.string(), z.string()),
            }),
            volumeMounts: z.array(z.strictObject({ name: z.string(), mountPath: z.string() })),
            startupProbe: probe,
            readinessProbe: probe,
            livenessProbe: probe,
            securityContext: z.looseObject({ allowPrivilegeEscalation: z.literal(false) }),
          }),
        ]),
        volumes: z.array(z.looseObject({ name: z.string() })),
      }),
    }),
  }),
  Service: z.strictObject({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.strictObject({ name: z.string(), port: z.int(), targetPort: z.string() })),
  }),
  HorizontalPodAutoscaler: z.strictObject({
    scaleTargetRef: z.strictObject({ apiVersion: z.literal("apps/v1"), kind: z.string(), name: z.string() }),
    minReplicas: z.int(),
    maxReplicas: z.int(),
    metrics: z.array(
      z.strictObject({
        type: z.literal("Pods"),
        pods: z.strictObject({
          metric: z.strictObject({ name: z.string() }),
          target: z.strictObject({ type: z.literal("AverageValue"), averageValue: z.string() }),
        }),
      }),
    ),
    behavior: z.looseObject({}),
  }),
  NetworkPolicy: z.strictObject({
    podSelector: label,
    policyTypes: z.array(z.enum(["Ingress", "Egress"])),
    ingress: z.array(
      z.strictObject({ from: z.array(z.looseObject({})), ports: z.array(z.looseObject({ port: z.int() })) }),
    ),
  }),
} as const;
type KindName = keyof typeof kinds;

describe("docs/deploy/triton.yaml", () => {
  const documents = parseAllDocuments(
    readFileSync(join(repository, "docs", "deploy", "triton.yaml"), "utf8"),
  );

  it("is valid YAML, and every object has the form that Kubernetes wants", () => {
    expect(documents.flatMap((document) => document.errors)).toEqual([]);
    const seen = documents.map((document) => {
      const { apiVersion, kind, metadata, spec } = document.toJS() as Record<string, unknown>;
      expect(typeof apiVersion).toBe("string");
      meta.parse(metadata);
      kinds[kind as KindName].parse(spec);
      return kind;
    });
    expect(seen).toEqual(Object.keys(kinds));
  });

  it("belongs together: selectors, ports, volumes and the scaler's target", () => {
    const [claim, deployment, service, scaler, policy] = documents.map((d) => d.toJS());
    const pod = deployment.spec.template;
    for (const labels of [
      deployment.spec.selector.matchLabels,
      service.spec.selector,
      policy.spec.podSelector.matchLabels,
    ])
      expect(pod.metadata.labels).toMatchObject(labels);
    const [container] = pod.spec.containers;
    const ports = container.ports.map((port: { name: string }) => port.name);
    for (const { targetPort } of service.spec.ports) expect(ports).toContain(targetPort);
    const volumes = pod.spec.volumes.map((volume: { name: string }) => volume.name);
    for (const { name } of container.volumeMounts) expect(volumes).toContain(name);
    expect(pod.spec.volumes[0].persistentVolumeClaim.claimName).toBe(claim.metadata.name);
    expect(scaler.spec.scaleTargetRef.name).toBe(deployment.metadata.name);
    expect(scaler.spec.minReplicas).toBe(deployment.spec.replicas);
  });
});
