/** What the configuration says of webhooks. */
import type { LoggedEventType } from '../events/LoggedEvent.ts';
import type { WebhookKey } from './signWebhook.ts';
import type { QueueLimits } from './WebhookQueue.ts';

export interface WebhookSettings {
  readonly urls: readonly URL[];
  /** What they are signed with. */
  readonly key: WebhookKey;
  readonly events: readonly LoggedEventType[];
  /** Of each URL. */
  readonly limits: QueueLimits;
  /** How long a request may take, and after how long an event is given up, in milliseconds. */
  readonly timeout: number;
  readonly maxAge: number;
}
