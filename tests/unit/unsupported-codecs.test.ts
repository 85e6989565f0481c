/** What a client cannot decode: reported once, and removed with the track or with the client, whichever ends first. */
import { expect, test } from 'vitest';
import { Publication } from '../../server/room/Publication.ts';
import { UnsupportedCodecs } from '../../server/room/UnsupportedCodecs.ts';
import type { UnsupportedCodec } from '../../shared/protocol.ts';

/** A publication that counts its listeners. */
class CountedPublication extends Publication {
  listeners = 0;

  override onEnd(...[listener]: Parameters<Publication['onEnd']>): () => void {
    this.listeners += 1;
    const remove = super.onEnd(listener);
    return () => {
      this.listeners -= 1;
      remove();
    };
  }
}

function setUp() {
  const reported: UnsupportedCodec[] = [];
  const publication = new CountedPublication({
    id: 'track',
    peerId: 'ada',
    source: 'camera',
    kind: 'video',
    mimeTypes: ['video/H264', 'video/rtx'],
    paused: false,
    size: { width: 640, height: 360 },
    layers: 1,
    pathChanges: 0,
    location: { routerId: 'router' },
  });
  return { reported, publication, unsupported: new UnsupportedCodecs((what) => reported.push(what)) };
}

const what = { peerId: 'ada', source: 'camera', mimeType: 'video/H264' };

test('a track that is offered again and again is reported once', () => {
  const { reported, publication, unsupported } = setUp();
  for (let time = 0; time < 3; time += 1) unsupported.add(publication);
  expect([reported, unsupported.all]).toEqual([[what], [what]]);
  publication.close();
  expect(unsupported.all).toEqual([]);
});

test('a track that has ended is neither reported nor kept', () => {
  const { reported, publication, unsupported } = setUp();
  publication.close();
  unsupported.add(publication);
  expect([reported, unsupported.all]).toEqual([[], []]);
});

test('after it has been cleared it listens to no track any more, and a track can be reported again', () => {
  const { reported, publication, unsupported } = setUp();
  unsupported.add(publication);
  unsupported.clear();
  expect([unsupported.all, publication.listeners]).toEqual([[], 0]);
  unsupported.add(publication);
  expect(reported).toEqual([what, what]);
});
