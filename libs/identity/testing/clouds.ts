// The clouds' services on this machine, as their documentation has them: they refuse what the vendors refuse, in their words.
import { createAuthority, type Listening, listen } from '@weir/cluster';
import { ENDPOINTS, type EndpointName, type Endpoints } from '../endpoints.ts';
import * as aws from './aws.ts';
import * as azure from './azure.ts';
import { aksUser, eksUser, gkeUser } from './cluster-tokens.ts';
import * as gcp from './gcp.ts';
import { reviewUnsigned, unsignedToken } from './jwt.ts';
import {
  answerWrongly,
  type CloudCall,
  type Fault,
  readCall,
  type Service,
  sendAnswer,
} from './server.ts';

type ServiceName = EndpointName | 'aws-pod' | 'azure-registry';

/** The name of one cluster in all clouds, and its location unless a test gives another one. */
const NAME = 'prod';
const CLUSTER = 'https://prod.example:6443';
export const POD_TOKEN = 'pod-identity-token';
export const NODE_CLIENT = '99999999-0000-0000-0000-000000000000';

export interface Clouds {
  endpoints: Endpoints;
  /** The URL of an Azure registry without TLS, for a proxy in front of it that ends TLS. */
  registryOfAzure: string;
  /** `127.0.0.1:<port>`: a registry of Azure, over TLS; `environmentFile` makes it one. */
  azureRegistry: string;
  /** The content of AZURE_ENVIRONMENT_FILEPATH for it. */
  environmentFile: string;
  /** Whom TLS clients have to trust, PEM. */
  ca: string;
  /** URL of the agent of EKS Pod Identity, which wants POD_TOKEN. */
  pod: string;
  /** Gives the subject of Kubernetes' tokens an identity in each cloud. */
  trust(subject: string, as: { role?: string; application?: string; email?: string }): void;
  calls(service?: ServiceName): CloudCall[];
  /** How the service answers from now on; correctly if no fault is given. */
  fault(service: ServiceName, fault?: Fault): void;
  /** How long what is given out lives, in ms. */
  live(ms: number): void;
  /** Whose a password or a token is that was given out: a role, an application, an account. */
  whose(password: string): string | undefined;
  /** Whose a token is that a client shows to the cluster `prod`, whichever cloud it is in. */
  clusterUser(token: string): string | undefined;
  /** Whose signature a login of CodeCommit is, for the URL of a repository. */
  signerOf(login: { username: string; password: string }, url: string): string | undefined;
  /** Everything that was given out and is secret. */
  secrets(): string[];
  close(): Promise<void>;
}

export interface CloudsOptions {
  /** The subject of a token of Kubernetes if it is for this audience; tokens aren't verified unless given. */
  review?: (token: string, audience: string) => Promise<string | undefined>;
  /** The URL of the cluster `prod`, and whom its clients trust (PEM); one that nobody can reach unless given. */
  cluster?: { endpoint: string; ca: string };
}

const HOUR_MS = 60 * 60_000;
export const POOL = 'projects/1/locations/global/workloadIdentityPools/weir/providers/cluster';

export async function startClouds(options: CloudsOptions = {}): Promise<Clouds> {
  const { review = reviewUnsigned } = options;
  const { certificate: ca } = await createAuthority('weir-test-clouds');
  const { cluster = { endpoint: CLUSTER, ca } } = options;
  const common = { review, lifeMs: HOUR_MS, count: 0 };
  const awsState: aws.AwsState = { ...common, roles: new Map(), keys: new Map() };
  const azureState: azure.AzureState = { ...common, applications: new Map(), tokens: new Map() };
  const { project, location, name } = gcp.GKE;
  const pool = `${project}.svc.id.goog`;
  const provider = `https://container.googleapis.com/v1/projects/${project}/locations/${location}/clusters/${name}`;
  const gcpState: gcp.GcpState = {
    ...{ ...common, accounts: new Map(), tokens: new Map() },
    pools: new Map([
      [`//iam.googleapis.com/${POOL}`, `//iam.googleapis.com/${POOL}`],
      [`identitynamespace:${pool}:${provider}`, pool],
    ]),
  };
  const issued = new Map<string, string>();
  const keep = (secret: string, whose: string) => {
    issued.set(secret, whose);
    return secret;
  };
  const ecrPassword = (role: string) =>
    keep(`ecr-login-of-${role.split('/').at(-1)}-${'z'.repeat(40)}`, role);
  const services: Partial<Record<ServiceName, Service>> = {
    'aws-sts': aws.sts(awsState),
    'aws-ecr': aws.ecr(awsState, false, ecrPassword),
    'aws-ecr-public': aws.ecr(awsState, true, ecrPassword),
    'aws-eks': aws.eks(awsState, cluster),
    'aws-metadata': aws.node(awsState, 'node-role'),
    'aws-pod': aws.pod(awsState, POD_TOKEN),
    'azure-authority': azure.entra(azureState),
    'azure-metadata': azure.imds(azureState, NODE_CLIENT),
    'azure-management': azure.manager(azureState, cluster),
    'azure-registry': azure.registry(azureState, (whose, expiresAt) =>
      keep(unsignedToken({ whose, exp: Math.floor(expiresAt / 1_000) }), whose),
    ),
    'gcp-sts': gcp.googleSts(gcpState),
    'gcp-iam-credentials': gcp.googleIam(gcpState),
    'gcp-metadata': gcp.metadata(gcpState),
    'gcp-container': gcp.container(gcpState, cluster),
  };
  const calls: CloudCall[] = [];
  const faults = new Map<string, Fault>();

  const serve = (tls: boolean): Promise<Listening> =>
    listen(
      async (request, response) => {
        const [, prefix = ''] = /^\/([\w-]+)/.exec(request.url ?? '') ?? [];
        const own = prefix === 'oauth2' ? 'azure-registry' : (prefix as ServiceName);
        const service = services[own];
        const call = await readCall(own, request);
        calls.push(call);
        if (service === undefined) return void response.writeHead(404).end();
        const fault = faults.get(own);
        if (fault !== undefined) answerWrongly(fault, service, response);
        else sendAnswer(response, await service.answer(call));
      },
      { tls },
    );
  const [plain, secure] = await Promise.all([serve(false), serve(true)]);
  const names = ENDPOINTS.filter((name) => services[name] !== undefined);
  const endpoints = Object.fromEntries(names.map((name) => [name, `${plain.url}/${name}`]));
  const azureRegistry = `127.0.0.1:${secure.port}`;
  return {
    endpoints,
    registryOfAzure: `${plain.url}/azure-registry`,
    azureRegistry,
    environmentFile: JSON.stringify({
      containerRegistryDNSSuffix: `.0.0.1:${secure.port}`,
      resourceManagerEndpoint: 'https://management.test',
      tokenAudience: 'https://management.core.windows.net/',
    }),
    ca: secure.ca ?? '',
    pod: `${plain.url}/aws-pod/v1/credentials`,
    trust(subject, { role, application, email }) {
      if (role !== undefined) awsState.roles.set(role, subject);
      if (application !== undefined) azureState.applications.set(application, subject);
      if (email !== undefined) gcpState.accounts.set(email, subject);
    },
    calls: (service) => calls.filter((call) => service === undefined || call.service === service),
    fault(service, fault) {
      if (fault === undefined) faults.delete(service);
      else faults.set(service, fault);
    },
    live(ms) {
      awsState.lifeMs = azureState.lifeMs = gcpState.lifeMs = ms;
    },
    whose: (password) =>
      issued.get(password) ??
      azureState.tokens.get(password)?.whose ??
      gcpState.tokens.get(password)?.whose,
    clusterUser: (token) =>
      eksUser(awsState, token, NAME) ?? aksUser(azureState, token) ?? gkeUser(gcpState, token),
    signerOf: (login, url) => aws.codeCommitSigner(awsState, login, url),
    secrets: () => [
      ...issued.keys(),
      ...[...awsState.keys.values()].flatMap(({ secret, token }) => [secret, token ?? '']),
      ...azureState.tokens.keys(),
      ...gcpState.tokens.keys(),
    ],
    close: async () => void (await Promise.all([plain.close(), secure.close()])),
  };
}
