/** Tests of the rules by which a bad connection is blamed on somebody; numbered as in `judge.ts`. */
import { describe, expect, test } from 'vitest';
import { Hysteresis } from '../../web/client/quality/Hysteresis.ts';
import { judge, type LinkFacts } from '../../web/client/quality/judge.ts';

const well: LinkFacts = {
  overloaded: false,
  uplinkLoss: 0,
  downlinkLoss: 0,
  downlinkLimited: false,
  downlinkEstimateLow: false,
  peers: [
    { peerId: 'ada', uplink: 'good', overloaded: false },
    { peerId: 'cleo', uplink: 'good', overloaded: false },
  ],
};
const none = { loss: false, limited: false };
const adaPoor = well.peers.map((peer) => (peer.peerId === 'ada' ? { ...peer, uplink: 'poor' as const } : peer));

/** What is judged of us, and of Ada and Cleo, with these symptoms. */
function judged(
  facts: Partial<LinkFacts>,
  { uplink = none, bad = ['ada'] }: { uplink?: typeof none; bad?: readonly string[] } = {},
) {
  const { self, peers } = judge({ uplink, peers: new Map(bad.map((id) => [id, 'loss'])) }, { ...well, ...facts });
  return { self: self.quality, ada: peers.get('ada')?.quality ?? 'good', cleo: peers.get('cleo')?.quality ?? 'good' };
}
const good = { self: 'good', ada: 'good', cleo: 'good' };

describe('the rules', () => {
  test('1: without symptoms nobody is blamed, whatever the server has measured', () => {
    const worst = { overloaded: true, uplinkLoss: 0.5, downlinkLoss: 0.5, downlinkLimited: true, peers: adaPoor };
    expect(judged(worst, { bad: [] })).toEqual(good);
  });

  test('2: a server that does not keep up is blamed for all that looks bad, and no link is', () => {
    const facts = { overloaded: true, uplinkLoss: 0.5, downlinkLoss: 0.5, downlinkLimited: true, peers: adaPoor };
    expect(judged(facts, { uplink: { loss: true, limited: true } })).toEqual({
      self: 'server',
      ada: 'server',
      cleo: 'good',
    });
  });

  test("2: the worker of one peer is blamed on that peer's tile only", () => {
    const peers = well.peers.map((peer) => ({ ...peer, overloaded: peer.peerId === 'ada' }));
    expect(judged({ peers }, { bad: ['ada', 'cleo'] })).toEqual({ ...good, ada: 'server' });
  });

  test('3: loss that both ends count on the way up is our uplink', () => {
    expect(judged({ uplinkLoss: 0.1 }, { uplink: { loss: true, limited: false }, bad: [] }).self).toBe('localUplink');
    expect(judged({ uplinkLoss: 0.03 }, { uplink: { loss: true, limited: false }, bad: [] }).self).toBe('good');
  });

  test('4: too little bandwidth is our uplink, unless the reports that say so are lost or late on the way down', () => {
    const uplink = { loss: false, limited: true };
    expect(judged({}, { uplink, bad: [] }).self).toBe('localUplink');
    expect(judged({ downlinkLoss: 0.1 }, { uplink, bad: [] }).self).toBe('good');
    expect(judged({ downlinkLimited: true }, { uplink, bad: [] }).self).toBe('good');
    expect(judged({ downlinkEstimateLow: true }, { uplink, bad: [] }).self).toBe('good');
  });

  test('5: loss on the way down is our downlink, even where the peer sends badly, too', () => {
    expect(judged({ downlinkLoss: 0.1 })).toEqual({ ...good, ada: 'localDownlink' });
    expect(judged({ downlinkLoss: 0.1, peers: adaPoor })).toEqual({ ...good, ada: 'localDownlink' });
  });

  test('6: a peer whom the server receives badly is blamed, on no other tile', () => {
    expect(judged({ peers: adaPoor }, { bad: ['ada', 'cleo'] })).toEqual({ ...good, ada: 'remoteUplink' });
    expect(judged({ peers: adaPoor, downlinkLimited: true }).ada).toBe('remoteUplink');
  });

  test('7: too little bandwidth to us is our downlink, unless our uplink carries the reports badly', () => {
    expect(judged({ downlinkLimited: true }).ada).toBe('localDownlink');
    const both = judged({ downlinkLimited: true, uplinkLoss: 0.1 }, { uplink: { loss: true, limited: false } });
    expect(both).toEqual({ self: 'localUplink', ada: 'good', cleo: 'good' });
  });

  test('7: that is tentative, since the peer may say a moment later that it is its uplink; rules 5 and 6 are certain', () => {
    const ada = (facts: Partial<LinkFacts>) =>
      judge({ uplink: none, peers: new Map([['ada', 'soft0']]) }, { ...well, ...facts }).peers.get('ada');
    expect(ada({ downlinkLimited: true })).toEqual({ quality: 'localDownlink', tentative: true });
    expect(ada({ downlinkLoss: 0.1, downlinkLimited: true })).toEqual({ quality: 'localDownlink', tentative: false });
    expect(ada({ peers: adaPoor })).toEqual({ quality: 'remoteUplink', tentative: false });
  });

  test('7: an estimate that is only low blames nobody', () => {
    expect(judged({ downlinkEstimateLow: true }, { bad: ['ada', 'cleo'] })).toEqual(good);
    expect(judged({ downlinkEstimateLow: true, downlinkLimited: true }).ada).toBe('localDownlink');
  });

  test('8: what no fact explains is nobody’s connection; nor is a peer whom the server does not know', () => {
    expect(judged({})).toEqual(good);
    expect(judged({ peers: [] })).toEqual(good);
  });
});

describe('hysteresis', () => {
  /** Judgements one second apart: `.` good, `u` local uplink, `d` local downlink, `s` server, `r` remote uplink; capitals are tentative. @returns what is shown after each */
  function shown(judgements: string): string {
    const hysteresis = new Hysteresis();
    const qualities = { u: 'localUplink', d: 'localDownlink', s: 'server', r: 'remoteUplink' } as const;
    const signs = { good: '.', localUplink: 'u', localDownlink: 'd', server: 's', remoteUplink: 'r' };
    return [...judgements]
      .map((sign, second) => {
        const known = Object.entries(qualities).find(([one]) => one === sign.toLowerCase());
        const tentative = sign !== sign.toLowerCase();
        hysteresis.update({ quality: known?.[1] ?? 'good', tentative }, second * 1000);
        return signs[hysteresis.current];
      })
      .join('');
  }

  test('a cause is shown when it was found three times within five seconds', () => {
    expect(shown('uuu')).toBe('..u');
    expect(shown('u.u.u')).toBe('....u');
    expect(shown('uu...')).toBe('.....');
    expect(shown('u..u..u..u..')).toBe('............');
  });

  test('a cause that is tentative is shown when it was found five times within seven seconds', () => {
    expect(shown('DDDDD')).toBe('....d');
    expect(shown('DD.DD.D')).toBe('......d');
    expect(shown('DD.D.D.D')).toBe('........');
    expect(shown('DDDrrr')).toBe('.....r');
    expect(shown('DDddd')).toBe('....d');
  });

  test('a cause that is tentative gives way to one that is certain', () => {
    expect(shown('DDDDDrrr')).toBe('....dddr');
    expect(shown('DDDDDDUUU')).toBe('....ddddd');
    expect(shown('DDDDdrrr')).toBe('....dddd');
    expect(shown('DDDDD...D')).toBe('....ddddd');
  });

  test('it stays until nothing was found for five seconds', () => {
    expect(shown('uuu....u.....')).toBe('..uuuuuuuuuu.');
  });

  test('another cause replaces it when only that one is found', () => {
    expect(shown('uuudddddd')).toBe('..uuuuudd');
    expect(shown('uuududud')).toBe('..uuuuuu');
  });

  test('it ends also where others are found now and then', () => {
    expect(shown('uuu.d..d..d..d')).toBe('..uuuuu.......');
    expect(shown('uuu.d.d.d')).toBe('..uuuuu.d');
  });

  test('the server replaces another cause at once', () => {
    expect(shown('uuus')).toBe('..us');
    expect(shown('s')).toBe('.');
  });
});
