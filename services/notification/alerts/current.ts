import { Alert } from '@weir/api';
import type { Informer } from '@weir/controller';
import { isNotFound, type KubeClient } from '@weir/kube';
import type { Delivery } from '../delivery/record.ts';

/**
 * Reads the present state of the alert of a delivery: undefined when it is gone, or another one has its name. An alert
 * that the informer doesn't have is read from the API server, because another replica may have seen it sooner. Rejects
 * when the API server is away.
 */
export function alertReader(client: KubeClient, alerts: Pick<Informer<Alert>, 'get'>) {
  return async ({ alert }: Pick<Delivery, 'alert'>): Promise<Alert | undefined> => {
    const { namespace, name, uid } = alert;
    const isSame = (found: Alert | undefined) => found?.metadata.uid === uid;
    const known = alerts.get(`${namespace}/${name}`);
    if (isSame(known)) return known;
    try {
      const found = await client.get<Alert>(Alert, { namespace, name });
      return isSame(found) ? found : undefined;
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  };
}
