/** Tests that every reason for ending or refusing a call has a message. */
import { describe, expect, test, vi } from 'vitest';
import { closeReasons } from '../../shared/closeReasons.ts';
import { connectReasons, errorReasons, WeirError } from '../../shared/errors.ts';
import { DeviceError } from '../../web/client/index.ts';
import {
  deviceErrorMessage,
  deviceErrorsMessage,
  errorMessage,
  isDeviceErrorReport,
  messageByReason,
  reasonMessage,
} from '../../web/view/common/errorMessages.ts';
import { en } from '../../web/view/locales/en.ts';
import { ko } from '../../web/view/locales/ko.ts';

const reasons = [errorReasons, connectReasons, closeReasons].flatMap((table) => Object.keys(table));

describe('messages', () => {
  // Leaving needs no message.
  test.each(reasons.filter((reason) => reason !== 'left'))(
    'for "%s" exist in all languages, with what to do',
    (reason) => {
      const key = messageByReason[reason];
      if (!key) throw new Error('there are no words for it');
      for (const words of [en[key], ko[key]]) {
        expect(words.length).toBeGreaterThan(20);
        expect(words).toMatch(/[.。]$/);
      }
    },
  );
});

describe('the message about devices', () => {
  const error = (problem: DeviceError['problem']) => new DeviceError(problem);

  test('for denied ones explains how to allow them in this browser', () => {
    for (const [agent, how] of [
      ['Mozilla/5.0 Gecko/20100101 Firefox/140.0', 'allowInFirefox'],
      ['Mozilla/5.0 Chrome/140.0.0.0 Safari/537.36', 'allowInChrome'],
      ['Mozilla/5.0 Version/18.0 Safari/605.1.15', 'allowInSafari'],
      ['Mozilla/5.0', 'allowInOther'],
    ] as const) {
      vi.stubGlobal('navigator', { userAgent: agent });
      expect(deviceErrorMessage('camera', error('denied'))).toBe(`${en.cameraDenied} ${en[how]}`);
      expect(deviceErrorsMessage({ camera: error('denied'), microphone: error('denied') })).toBe(
        `${en.devicesDenied} ${en[how]}`,
      );
    }
    vi.unstubAllGlobals();
    expect(deviceErrorMessage('camera', error('busy'))).toBe(en.cameraBusy);
    expect(deviceErrorMessage('microphone', error('failed'))).toBe(en.deviceFailed);
    expect(deviceErrorMessage('screen', error('denied'))).toBe(en.screenBlocked);
  });

  test('is one sentence for the same problem, and one each for different ones', () => {
    expect(deviceErrorsMessage({})).toBeUndefined();
    expect(deviceErrorsMessage({ microphone: error('busy') })).toBe(en.microphoneBusy);
    expect(deviceErrorsMessage({ camera: error('missing') })).toBe(en.cameraMissing);
    expect(deviceErrorsMessage({ camera: error('insecure'), microphone: error('insecure') })).toBe(en.insecure);
    expect(deviceErrorsMessage({ camera: error('busy'), microphone: error('busy') })).toBe(
      `${en.cameraBusy} ${en.microphoneBusy}`,
    );
    expect(deviceErrorsMessage({ camera: error('insecure'), microphone: error('busy') })).toBe(
      `${en.insecure} ${en.microphoneBusy}`,
    );
  });

  test('is distinguished from that about any other error', () => {
    expect(isDeviceErrorReport({ source: 'camera', error: error('busy') })).toBe(true);
    for (const other of [undefined, null, 7, 'error', {}, { error: new Error('other') }, error('busy')]) {
      expect(isDeviceErrorReport(other)).toBe(false);
    }
  });
});

describe('the message of an error', () => {
  test('is that of its reason, or of its code, or its own text', () => {
    vi.stubGlobal('location', { origin: 'https://weir.example' });
    expect(errorMessage(new WeirError('unauthorized', 'No.', { reason: 'expired' }))).toBe(en.tokenExpired);
    expect(errorMessage(new WeirError('roomFull'))).toBe(en.roomFull);
    expect(errorMessage(new WeirError('unauthorized', 'Not you.'))).toContain('Not you.');
    for (const other of [new WeirError('notFound', 'Gone astray.'), new Error('Gone astray.'), 'Gone astray.']) {
      expect(errorMessage(other)).toContain('Gone astray.');
    }
    const ofRequest = (code: 'internal' | 'roomFull') =>
      errorMessage(new WeirError(code, 'No.', { requestId: 'a1-7' }));
    expect(ofRequest('internal')).toBe(`${en.serverFailed} Request a1-7.`);
    expect(ofRequest('roomFull')).toBe(en.roomFull);
    expect(reasonMessage('kicked')).toBe(en.endedKickedText);
    expect([reasonMessage(undefined), reasonMessage('unheardOf')]).toEqual([undefined, undefined]);
    vi.unstubAllGlobals();
  });
});
