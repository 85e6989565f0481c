/** One process of a load test: lets its members join and leave by plan, and collects their counts. */
import { setTimeout } from 'node:timers/promises';
import { signToken } from '../../server/auth/tokens.ts';
import { WeirError } from '../../shared/errors.ts';
import { now } from '../support/endpoint/clock.ts';
import { Member } from '../support/endpoint/Member.ts';
import { type Material, prepareMaterial } from '../support/media/material.ts';
import { Histogram } from '../support/statistics/Histogram.ts';
import { Order, type Report } from './messages.ts';
import type { LoadOptions } from './options.ts';
import type { MemberPlan, ScheduledEvent } from './plan.ts';
import { publishedBy, Received, subscriberRow } from './tally.ts';

/** Validity of a join token, in seconds. */
const TOKEN_LIFETIME = 600;

/** A slot in the plan and the member that currently fills it: each rejoin creates a new member. */
interface Slot {
  readonly plan: MemberPlan;
  member: Member | undefined;
  /** Whether its media is connected: a member that leaves before would count as one whose join failed. */
  ready: boolean;
  error: string | undefined;
}

class LoadWorker {
  readonly #options: LoadOptions;
  readonly #slots = new Map<string, Slot>();
  readonly #material: Material;
  readonly #beganAt: number;
  readonly #past: { plan: MemberPlan; member: Member }[] = [];
  readonly #ending = new AbortController();
  #second = { packets: 0, bytes: 0, latency: new Histogram() };
  #lostBefore = 0;
  #cpu = process.cpuUsage();
  #lastSecond = performance.now();

  constructor(options: LoadOptions, members: readonly MemberPlan[], material: Material, beganAt: number) {
    this.#options = options;
    this.#material = material;
    this.#beganAt = beganAt;
    for (const plan of members) this.#slots.set(plan.name, { plan, member: undefined, ready: false, error: undefined });
  }

  /** Starts the schedule of joins. */
  begin(): void {
    for (const slot of this.#slots.values()) void this.#joinLater(slot);
    void this.#tellEverySecond();
  }

  async run(scheduledEvents: readonly ScheduledEvent[]): Promise<void> {
    const since = now();
    for (const { at, member, what } of scheduledEvents) {
      const slot = this.#slots.get(member);
      if (!slot) continue;
      if (!(await this.#wait(since + at - now()))) return;
      if (what === 'return') void this.#return(slot);
      else slot.member?.setPaused('microphone', what === 'fallSilent').catch(() => {});
    }
  }

  /** Ends all members. @returns their counts */
  end(): Extract<Report, { type: 'result' }> {
    this.#ending.abort();
    const until = now();
    const stays = [
      ...this.#past,
      ...[...this.#slots.values()].flatMap(({ plan, member }) => (member ? { plan, member } : [])),
    ];
    const received = new Received();
    for (const { member } of stays) received.add(member);
    const result = {
      type: 'result' as const,
      subscribers: [
        ...stays.map(({ plan, member }) => subscriberRow(plan, member, until)),
        ...[...this.#slots.values()]
          .filter(({ member, error }) => !member && error !== undefined)
          .map(({ plan, error }) => subscriberRow(plan, undefined, until, error)),
      ],
      published: stays.flatMap(({ plan, member }) => publishedBy(plan, member)),
      received: received.rows(),
      undecryptable: stays.reduce((sum, { member }) => sum + member.media.undecryptable, 0),
      srtp: stays.find(({ member }) => member.media.srtp)?.member.media.srtp ?? '',
    };
    for (const { member } of stays) member.leave();
    return result;
  }

  async #joinLater(slot: Slot): Promise<void> {
    if (await this.#wait(this.#beganAt + slot.plan.joinAt - now())) await this.#join(slot, false);
  }

  async #join(slot: Slot, again: boolean): Promise<void> {
    const { name, room, publishes, sampled } = slot.plan;
    const { apiKey, apiSecret, url } = this.#options;
    try {
      const token = apiKey
        ? await signToken({
            apiKey,
            apiSecret,
            identity: name,
            video: { room, roomJoin: true },
            lifetime: TOKEN_LIFETIME,
          })
        : undefined;
      const { member, ready } = await Member.join({
        url,
        room,
        name,
        token,
        tracks: publishes ? this.#material : {},
        decrypts: sampled,
        onPacket: (bytes, latency) => {
          this.#second.packets += 1;
          this.#second.bytes += bytes;
          if (latency !== undefined) this.#second.latency.add(latency);
        },
        onEnd: (reason) => report({ type: 'lost', name, reason }),
      });
      if (this.#ending.signal.aborted) {
        member.leave();
        return;
      }
      slot.member = member;
      await ready;
      slot.ready = true;
      report({ type: 'joined', name, again });
    } catch (error) {
      if (this.#ending.signal.aborted) return;
      // A member whose media failed to connect does not count as a subscriber.
      slot.member = undefined;
      slot.error = error instanceof WeirError || error instanceof Error ? error.message : String(error);
      report({ type: 'failed', name, error: slot.error });
    }
  }

  async #return(slot: Slot): Promise<void> {
    if (!slot.member || !slot.ready) return;
    this.#past.push({ plan: slot.plan, member: slot.member });
    slot.member.leave();
    slot.member = undefined;
    slot.ready = false;
    await this.#join(slot, true);
  }

  async #tellEverySecond(): Promise<void> {
    for (let second = 0; await this.#wait(this.#beganAt + (second + 1) * 1000 - now()); second += 1) {
      const { packets, bytes, latency } = this.#second;
      this.#second = { packets: 0, bytes: 0, latency: new Histogram() };
      const lost = this.#lost();
      const cpu = process.cpuUsage(this.#cpu);
      const elapsed = performance.now() - this.#lastSecond;
      this.#cpu = process.cpuUsage();
      this.#lastSecond = performance.now();
      report({
        type: 'second',
        second: {
          second,
          packets,
          bytes,
          lost: lost - this.#lostBefore,
          latency: latency.toJSON(),
          cpu: (cpu.user + cpu.system) / 1000 / elapsed,
          rss: process.memoryUsage.rss(),
        },
      });
      this.#lostBefore = lost;
    }
  }

  #lost(): number {
    let lost = 0;
    const everyone = [
      ...this.#past.map(({ member }) => member),
      ...[...this.#slots.values()].map(({ member }) => member),
    ];
    for (const member of everyone) for (const receiver of member?.media.all ?? []) lost += receiver.lost;
    return lost;
  }

  /** @returns whether the test is still running */
  async #wait(milliseconds: number): Promise<boolean> {
    const { signal } = this.#ending;
    await setTimeout(Math.max(0, milliseconds), undefined, { signal }).catch(() => {});
    return !signal.aborted;
  }
}

function report(report: Report): void {
  process.send?.(report);
}

let loadWorker: LoadWorker | undefined;
process.on('message', async (message) => {
  const order = Order.parse(message);
  if (order.type === 'begin') {
    const { options, members, at } = order;
    const needsMaterial = members.some(({ publishes }) => publishes);
    const material = needsMaterial ? await prepareMaterial(options) : {};
    loadWorker = new LoadWorker(options, members, material, at);
    loadWorker.begin();
  } else if (order.type === 'allIn') void loadWorker?.run(order.scheduledEvents);
  else {
    if (loadWorker) report(loadWorker.end());
    // Flush the messages before exiting.
    process.disconnect();
  }
});
// The coordinator has gone: end the test.
process.on('disconnect', () => process.exit());
process.on('SIGINT', () => {});
report({ type: 'ready' });
