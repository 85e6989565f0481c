/** Days and times of messages, in the language of the page. */
import { translateChat } from '../locales/chat.ts';
import { language } from '../locales/index.ts';

const timeFormat = new Intl.DateTimeFormat(language, { hour: 'numeric', minute: '2-digit' });
const dayFormat = new Intl.DateTimeFormat(language, { weekday: 'long', day: 'numeric', month: 'long' });
const fullFormat = new Intl.DateTimeFormat(language, { dateStyle: 'full', timeStyle: 'medium' });

/** `10:32`, as people there write it. @param at milliseconds since the epoch */
export function timeOf(at: number): string {
  return timeFormat.format(at);
}

/** Day and time in full. */
export function fullTimeOf(at: number): string {
  return fullFormat.format(at);
}

/** `Today`, `Yesterday`, or the day. */
export function dayOf(at: number, now = Date.now()): string {
  if (isSameDay(at, now)) return translateChat('chatToday');
  const yesterday = new Date(now);
  yesterday.setDate(yesterday.getDate() - 1);
  return isSameDay(at, yesterday.getTime()) ? translateChat('chatYesterday') : dayFormat.format(at);
}

export function isSameDay(one: number, other: number): boolean {
  return new Date(one).toDateString() === new Date(other).toDateString();
}
