import { stringify } from 'yaml';
import type { ApiRequest } from './api.ts';
import { until } from './until.ts';

/**
 * How pods behave on the fake nodes, by words in the image (name or tag) of one of their containers. A pod without such a
 * word becomes ready at once, and completes at once if it belongs to a Job.
 */
export const IMAGES = {
  /** The pod never becomes ready (ErrImagePull). A pod of a Job ends with exit code 1. */
  failing: 'fail',
  /** The pod becomes ready (or completes) after 3 s. */
  slow: 'slow',
} as const;

const SLOW_MS = 3_000;
const HAS_FAILING_IMAGE = `.spec.containers.[] | select( .image | test("${IMAGES.failing}") ) | .name`;
const HAS_SLOW_IMAGE = `.spec.containers.[] | select( .image | test("${IMAGES.slow}") ) | .name`;
const IS_READY = '.status.conditions.[] | select( .type == "Ready" ) | .status';

interface Requirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist';
  values?: string[];
}

const exists = (key: string): Requirement => ({ key, operator: 'Exists' });
const missing = (key: string): Requirement => ({ key, operator: 'DoesNotExist' });
const is = (key: string, value: string): Requirement => ({ key, operator: 'In', values: [value] });
const isNot = (key: string, value: string): Requirement => ({
  key,
  operator: 'NotIn',
  values: [value],
});

const ALIVE = missing('.metadata.deletionTimestamp');
const PENDING = is('.status.phase', 'Pending');
const OF_A_JOB = is('.metadata.ownerReferences.[].kind', 'Job');
const FAILING = exists(HAS_FAILING_IMAGE);
const HEALTHY = missing(HAS_FAILING_IMAGE);

/** The file for kwok's `--config`: the life cycle of fake nodes and of their pods, as kwok's Stage objects. */
export function kwokConfig(): string {
  const slow = exists(HAS_SLOW_IMAGE);
  const quick = missing(HAS_SLOW_IMAGE);
  const documents = [
    stage('node-ready', 'Node', [isNot(IS_READY, 'True')], { statusTemplate: NODE_READY }),
    stage('pod-ready', 'Pod', [ALIVE, PENDING, HEALTHY, quick], { statusTemplate: POD_READY }),
    stage('pod-ready-slowly', 'Pod', [ALIVE, PENDING, HEALTHY, slow], {
      statusTemplate: POD_READY,
      delayMs: SLOW_MS,
    }),
    stage('pod-fails', 'Pod', [ALIVE, PENDING, FAILING, OF_A_JOB], {
      statusTemplate: podEnded('Failed', 1, 'Error'),
    }),
    stage(
      'pod-image-unavailable',
      'Pod',
      [
        ALIVE,
        PENDING,
        FAILING,
        isNot('.metadata.ownerReferences.[].kind', 'Job'),
        missing('.status.containerStatuses'),
      ],
      { statusTemplate: POD_WITHOUT_IMAGE },
    ),
    stage('pod-completes', 'Pod', [ALIVE, is('.status.phase', 'Running'), OF_A_JOB], {
      statusTemplate: podEnded('Succeeded', 0, 'Completed'),
    }),
    stage('pod-deleted', 'Pod', [exists('.metadata.deletionTimestamp')], { remove: true }),
  ];
  return documents.map((document) => stringify(document)).join('---\n');
}

function stage(
  name: string,
  kind: 'Node' | 'Pod',
  matchExpressions: Requirement[],
  next: { statusTemplate?: string; remove?: boolean; delayMs?: number },
): object {
  return {
    apiVersion: 'kwok.x-k8s.io/v1alpha1',
    kind: 'Stage',
    metadata: { name },
    spec: {
      resourceRef: { apiGroup: 'v1', kind },
      selector: { matchExpressions },
      ...(next.delayMs === undefined ? {} : { delay: { durationMilliseconds: next.delayMs } }),
      next: {
        ...(next.statusTemplate === undefined ? {} : { statusTemplate: next.statusTemplate }),
        ...(next.remove ? { delete: true } : {}),
      },
    },
  };
}

const condition = (type: string, status: string, reason = ''): string =>
  `- {type: ${type}, status: "${status}", lastTransitionTime: {{ Now | Quote }}${reason && `, reason: ${reason}`}}`;

const NODE_READY = `
conditions:
${condition('Ready', 'True', 'KubeletReady')}
${condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory')}
${condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure')}
${condition('PIDPressure', 'False', 'KubeletHasSufficientPID')}
addresses:
- {type: InternalIP, address: 127.0.0.1}
- {type: Hostname, address: {{ .metadata.name | Quote }}}
allocatable: {cpu: "1000", memory: 1Ti, pods: "10000"}
capacity: {cpu: "1000", memory: 1Ti, pods: "10000"}
phase: Running
`;

const POD_IPS = `
hostIP: 127.0.0.1
hostIPs: [{ip: 127.0.0.1}]
{{ with PodIPsWith .spec.nodeName ( or .spec.hostNetwork false ) ( or .metadata.uid "" ) ( or .metadata.name "" ) ( or .metadata.namespace "" ) }}
podIP: {{ index . 0 | Quote }}
podIPs: [{ip: {{ index . 0 | Quote }}}]
{{ end }}
startTime: {{ Now | Quote }}
`;

const INIT_CONTAINERS = `
initContainerStatuses:
{{ range .spec.initContainers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  imageID: ""
  ready: true
  restartCount: 0
  {{ if eq .restartPolicy "Always" }}
  started: true
  state: {running: {startedAt: {{ Now | Quote }}}}
  {{ else }}
  state: {terminated: {exitCode: 0, reason: Completed, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}}
  {{ end }}
{{ end }}
`;

/** A template of one status for each container. `state` is the rest of its line. */
const containers = (ready: boolean, state: string): string => `
containerStatuses:
{{ range .spec.containers }}
- {name: {{ .name | Quote }}, image: {{ .image | Quote }}, imageID: "", ready: ${ready}, started: ${ready}, restartCount: 0, state: ${state}}
{{ end }}
`;

const POD_READY = `
phase: Running
conditions:
${condition('PodReadyToStartContainers', 'True')}
${condition('Initialized', 'True')}
${condition('ContainersReady', 'True')}
${condition('Ready', 'True')}
{{ range .spec.readinessGates }}
- {type: {{ .conditionType | Quote }}, status: "True", lastTransitionTime: {{ Now | Quote }}}
{{ end }}
${containers(true, '{running: {startedAt: {{ Now | Quote }}}}')}
${INIT_CONTAINERS}
${POD_IPS}
`;

const POD_WITHOUT_IMAGE = `
phase: Pending
conditions:
${condition('PodReadyToStartContainers', 'True')}
${condition('Initialized', 'True')}
${condition('ContainersReady', 'False', 'ContainersNotReady')}
${condition('Ready', 'False', 'ContainersNotReady')}
${containers(false, '{waiting: {reason: ErrImagePull, message: the image is made to fail}}')}
${POD_IPS}
`;

function podEnded(phase: string, exitCode: number, reason: string): string {
  const podReason = exitCode === 0 ? 'PodCompleted' : 'PodFailed';
  return `
phase: ${phase}
conditions:
${condition('Initialized', 'True', podReason)}
${condition('ContainersReady', 'False', podReason)}
${condition('Ready', 'False', podReason)}
${containers(
  false,
  `{terminated: {exitCode: ${exitCode}, reason: ${reason}, startedAt: {{ Now | Quote }}, finishedAt: {{ Now | Quote }}}}`,
)}
{{ if not .status.startTime }}startTime: {{ Now | Quote }}{{ end }}
`;
}

interface NodeObject {
  status?: { conditions?: { type: string; status: string }[] };
}

/** Creates `count` fake nodes and waits until kwok has made them ready. */
export async function createNodes(request: ApiRequest, count: number): Promise<void> {
  const names = Array.from({ length: count }, (_, index) => `node-${index + 1}`);
  await Promise.all(names.map((name) => request('POST', '/api/v1/nodes', node(name))));
  await until(
    async () => {
      const { items } = await request<{ items: NodeObject[] }>('GET', '/api/v1/nodes');
      return items.every((item) =>
        item.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
      );
    },
    { timeoutMs: 30_000, message: `${count} fake nodes to become ready` },
  );
}

function node(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name,
      annotations: { 'kwok.x-k8s.io/node': 'fake' },
      labels: {
        'kubernetes.io/hostname': name,
        'kubernetes.io/os': 'linux',
        'kubernetes.io/arch': 'amd64',
      },
    },
  };
}
