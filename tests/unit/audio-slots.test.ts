/** Tests of the parts of audio slots: speech detection, slot allocation and the slot's RTP stream. */
import { expect, test } from 'vitest';
import { randomFrom } from '../../scripts/support/random.ts';
import { markerOf, sequenceOf, ssrcOf, timestampOf } from '../../server/media/audio/rtp.ts';
import { SlotAllocator, type SlotCandidate } from '../../server/media/audio/SlotAllocator.ts';
import { SlotStream } from '../../server/media/audio/SlotStream.ts';
import { SpeechDetector } from '../../server/media/audio/SpeechDetector.ts';
import { voiceExtensions, voicePacket } from '../support/talkers.ts';

const { level: LEVEL, captureTime: CAPTURE } = voiceExtensions;

/** A microphone that sends a packet every 20 ms. */
class Microphone {
  readonly voice: SpeechDetector;
  at = 0;
  sequence = 65_500;

  constructor(level: number | undefined = LEVEL) {
    this.voice = new SpeechDetector({ id: 'm', payloadType: 100, extensions: { level, captureTime: undefined } });
  }

  /** @returns the number of the packet with which speech was first detected, from 1; 0 for none */
  send(packets: number, level: number | undefined, voice = false, payload?: Buffer): number {
    let first = 0;
    for (let index = 1; index <= packets; index += 1) {
      this.at += 20;
      this.sequence += 1;
      this.voice.add(voicePacket({ ssrc: 1, sequence: this.sequence, level, voice, payload }), this.at);
      if (first === 0 && this.voice.isSpeaking(this.at)) first = index;
    }
    return first;
  }
}

test('speech begins after three loud packets and ends 400 ms after the last', () => {
  const microphone = new Microphone();
  expect(microphone.send(50, -127)).toBe(0);
  expect(microphone.voice.silence(microphone.at)).toBe(Number.POSITIVE_INFINITY);
  expect(microphone.send(3, -30)).toBe(3);
  expect(microphone.voice.level).toBe(-30);
  microphone.send(19, -127);
  expect(microphone.voice.isSpeaking(microphone.at)).toBe(true);
  microphone.send(1, -127);
  expect(microphone.voice.isSpeaking(microphone.at)).toBe(false);
  expect(microphone.voice.silence(microphone.at)).toBe(400);
  // A pause without packets (DTX) ends it as silent packets do.
  microphone.send(3, -30);
  expect(microphone.voice.isSpeaking(microphone.at + 399)).toBe(true);
  expect(microphone.voice.isSpeaking(microphone.at + 400)).toBe(false);
});

test('a click is not speech; loud long frames are', () => {
  const clicks = new Microphone();
  for (let round = 0; round < 20; round += 1) {
    expect(clicks.send(2, -20)).toBe(0);
    expect(clicks.send(10, -127)).toBe(0);
  }
  const long = new Microphone();
  long.send(1, -20);
  long.at += 40;
  expect(long.send(1, -20)).toBe(1);
});

test('steady noise counts as speech for a few seconds at most, a quiet voice always', () => {
  const fan = new Microphone();
  fan.send(500, -45);
  expect(fan.voice.isSpeaking(fan.at)).toBe(false);
  const quiet = new Microphone();
  for (let word = 0; word < 30; word += 1) {
    quiet.send(15, -50);
    expect(quiet.voice.isSpeaking(quiet.at)).toBe(true);
    quiet.send(5, -65);
  }
  // Music has no pauses.
  const music = new Microphone();
  music.send(3000, -25);
  expect(music.voice.isSpeaking(music.at)).toBe(true);
});

test('the voice flag is authoritative only for a sender that has set it before', () => {
  const marks = new Microphone();
  expect(marks.send(5, -30, true)).toBe(3);
  marks.send(40, -30, false);
  expect(marks.voice.isSpeaking(marks.at)).toBe(false);
  expect(new Microphone().send(5, -30, false)).toBe(3);
});

test('without an audio level, packets of audible size are speech and DTX is not', () => {
  const microphone = new Microphone(undefined);
  expect(microphone.send(20, undefined, false, Buffer.from([0xf8, 0xff, 0xfe]))).toBe(0);
  expect(microphone.send(5, undefined)).toBe(3);
  expect(microphone.voice.level).toBe(-50);
});

test('the smoothed level follows within about 300 ms, and pauses do not lower it', () => {
  const microphone = new Microphone();
  microphone.send(5, -50);
  microphone.send(5, -20);
  expect(microphone.voice.level).toBeGreaterThan(-45);
  expect(microphone.voice.level).toBeLessThan(-30);
  microphone.send(60, -20);
  expect(microphone.voice.level).toBeCloseTo(-20, 0);
  microphone.send(15, -127);
  expect(microphone.voice.level).toBeCloseTo(-20, 0);
});

test('the rate limit allows the shortest Opus frames and no more', () => {
  const voice = new SpeechDetector({ id: 'f', payloadType: 100, extensions: { level: LEVEL, captureTime: undefined } });
  const packet = voicePacket({ ssrc: 1, sequence: 1, level: -127 });
  for (let at = 0; at < 3000; at += 2.5) voice.add(packet, at);
  expect(voice.exceedsRate).toBe(false);
  for (let at = 3000; at < 3999; at += 1) voice.add(at % 2 ? packet : Buffer.alloc(3), at);
  expect(voice.exceedsRate).toBe(true);
});

test('the pre-roll holds the audio since the onset of speech, 300 ms at most, in order', () => {
  const microphone = new Microphone();
  microphone.send(50, -127);
  expect(microphone.voice.preRoll(microphone.at)).toEqual([]);
  const begun = microphone.sequence + 1;
  microphone.send(4, -30);
  const numbers = (at: number) => microphone.voice.preRoll(at).map(({ packet }) => sequenceOf(packet));
  // The last 40 ms before the first loud packet belong to the onset.
  const wanted = Array.from({ length: 6 }, (_, index) => (begun - 2 + index) & 0xffff);
  expect(numbers(microphone.at)).toEqual(wanted);
  const late = voicePacket({ ssrc: 1, sequence: begun - 1, level: -30 });
  microphone.voice.add(late, microphone.at);
  expect(numbers(microphone.at).slice(0, 4)).toEqual([begun - 2, begun - 1, begun - 1, begun].map((n) => n & 0xffff));
  // In the middle of a sentence there is no pre-roll.
  microphone.send(20, -30);
  expect(numbers(microphone.at)).toEqual([]);
  // Audio from before the mute is dropped.
  const muted = new Microphone();
  muted.send(4, -30);
  muted.voice.mute();
  expect([muted.voice.isSpeaking(muted.at), muted.voice.preRoll(muted.at)]).toEqual([false, []]);
  muted.send(3, -30);
  expect(muted.voice.preRoll(muted.at)).toHaveLength(3);
});

class Person implements SlotCandidate {
  level: number;
  heardAt = Number.NEGATIVE_INFINITY;

  constructor(level = -30) {
    this.level = level;
  }

  isSpeaking(at: number): boolean {
    return at - this.heardAt < 400;
  }

  silence(at: number): number {
    return at - this.heardAt;
  }
}

/** A room with two slots, an extra slot for the holders, and people who want them. */
class Floor {
  readonly choice = new SlotAllocator<Person>(2);
  at = 0;
  changes = 0;

  /** All of them speak for `time` milliseconds, a packet every 20. */
  speak(time: number, ...people: Person[]): void {
    for (const until = this.at + time; this.at < until; ) {
      this.at += 20;
      for (const person of people) {
        person.heardAt = this.at;
        if (this.choice.claim(person, this.at)) this.changes += 1;
      }
    }
  }

  get holders(): readonly (Person | undefined)[] {
    return [...this.choice.holders];
  }
}

test('a speaker gets the lowest free slot at once, and keeps it while silent', () => {
  const floor = new Floor();
  const [ann, bob, cem] = [new Person(), new Person(), new Person()];
  expect(floor.choice.claim(ann, 0)).toBe(false);
  floor.speak(20, ann, bob, cem);
  expect(floor.holders).toEqual([ann, bob, cem]);
  floor.at += 3_600_000;
  expect(floor.holders).toEqual([ann, bob, cem]);
  expect(floor.choice.release(ann)).toBe(true);
  expect(floor.choice.release(ann)).toBe(false);
  const dan = new Person();
  floor.speak(20, dan);
  expect(floor.holders[0]).toBe(dan);
});

test('where free slots are filled, one that is silent holds them until somebody speaks', () => {
  const choice = new SlotAllocator<Person>(1, true);
  const [ann, bob, cem] = [new Person(), new Person(), new Person()];
  expect([choice.claim(ann, 0), choice.claim(bob, 0), choice.claim(ann, 20)]).toEqual([true, false, false]);
  // The extra slot is for speakers.
  expect([...choice.holders]).toEqual([ann, undefined]);
  cem.heardAt = 40;
  expect(choice.claim(cem, 40)).toBe(true);
  expect([...choice.holders]).toEqual([cem, undefined]);
  choice.release(cem);
  expect(choice.claim(bob, 60)).toBe(true);
  expect([...choice.holders]).toEqual([bob, undefined]);
});

test('a holder that has been silent for 600 ms is replaced at once, the longest silent first', () => {
  const floor = new Floor();
  const [ann, bob, cem, dan, eve] = [new Person(), new Person(), new Person(), new Person(), new Person()];
  floor.speak(20, ann, bob, cem);
  floor.speak(100, ann);
  floor.speak(480, cem);
  // Bob has been silent for 580 ms.
  floor.speak(20, cem, dan);
  expect(floor.holders).toEqual([ann, dan, cem]);
  floor.speak(20, dan);
  const silentFirst = new Floor();
  silentFirst.speak(20, ann, bob, cem);
  silentFirst.speak(20, bob);
  silentFirst.at += 5000;
  silentFirst.speak(20, eve);
  expect(silentFirst.holders).toEqual([eve, bob, cem]);
  // A holder of the extra slot has been silent for longer, but is not replaced: everyone hears the normal slots.
  const [fay, gus] = [new Person(), new Person()];
  silentFirst.speak(20, fay);
  expect(silentFirst.holders).toEqual([eve, fay, cem]);
  silentFirst.speak(20, gus);
  expect(silentFirst.holders).toEqual([eve, fay, gus]);
});

test('a pause of 580 ms does not cost a holder its slot', () => {
  const floor = new Floor();
  const [ann, bob, cem, dan] = [new Person(), new Person(), new Person(), new Person()];
  floor.speak(20, ann, bob, cem);
  floor.speak(580, bob, cem, dan);
  expect(floor.holders).toEqual([ann, bob, cem]);
  floor.speak(20, bob, cem, dan);
  expect(floor.holders).toEqual([dan, bob, cem]);
});

test('a speaking holder is replaced only by a speaker 6 dB louder for 500 ms, and the quietest first', () => {
  const floor = new Floor();
  const [ann, bob, cem] = [new Person(-30), new Person(-36), new Person(-50)];
  floor.speak(1000, ann, bob, cem);
  const near = new Person(-31);
  floor.speak(3000, ann, bob, near);
  // Cem fell silent, and the slot for other holders was free.
  expect(floor.holders).toEqual([ann, bob, near]);
  const clear = new Person(-30);
  floor.speak(480, ann, bob, near, clear);
  expect(floor.holders).toEqual([ann, bob, near]);
  floor.speak(40, ann, bob, near, clear);
  expect(floor.holders).toEqual([ann, clear, near]);
});

test('being louder intermittently is not enough', () => {
  const floor = new Floor();
  const [ann, bob, cem, dan] = [new Person(), new Person(), new Person(), new Person()];
  floor.speak(1000, ann, bob, cem);
  floor.changes = 0;
  for (let round = 0; round < 20; round += 1) {
    dan.level = -20;
    floor.speak(460, ann, bob, cem, dan);
    dan.level = -28;
    floor.speak(40, ann, bob, cem, dan);
  }
  // Nor is starting to speak repeatedly.
  dan.level = -20;
  for (let round = 0; round < 20; round += 1) {
    floor.speak(300, ann, bob, cem, dan);
    floor.speak(420, ann, bob, cem);
    floor.choice.claim(dan, floor.at);
  }
  expect(floor.changes).toBe(0);
});

test('a holder of the extra slot moves to a normal one as soon as it is free, or swaps with a clearly quieter holder', () => {
  const floor = new Floor();
  const [ann, bob, cem] = [new Person(), new Person(), new Person()];
  floor.speak(20, ann, bob, cem);
  floor.choice.release(bob);
  floor.speak(20, ann, cem);
  expect(floor.holders).toEqual([ann, cem, undefined]);
  floor.speak(20, ann, cem, bob);
  expect(floor.holders).toEqual([ann, cem, bob]);
  floor.speak(600, cem, bob);
  expect(floor.holders).toEqual([bob, cem, undefined]);

  const swap = new Floor();
  const loud = new Person(-20);
  swap.speak(20, ann, bob, loud);
  expect(swap.holders).toEqual([ann, bob, loud]);
  swap.changes = 0;
  swap.speak(600, ann, bob, loud);
  expect(swap.changes).toBe(1);
  expect(swap.holders).toContain(loud);
  expect(swap.holders.indexOf(loud)).toBeLessThan(2);
  expect(swap.holders[2]).not.toBe(loud);
  expect(new Set(swap.holders)).toEqual(new Set([ann, bob, loud]));
});

test('speakers of similar loudness do not preempt each other', () => {
  const floor = new Floor();
  const random = randomFrom(2);
  const people = Array.from({ length: 8 }, () => new Person());
  floor.speak(1000, ...people);
  floor.changes = 0;
  for (let round = 0; round < 200; round += 1) {
    for (const person of people) person.level = -30 + random.int(5);
    floor.speak(100, ...people);
  }
  expect(floor.changes).toBe(0);
});

/** A speaker whose packets a slot forwards. */
const carried = () =>
  new SpeechDetector({ id: 'v', payloadType: 100, extensions: { level: LEVEL, captureTime: CAPTURE } });
const written = (slot: SlotStream, sequence: number, timestamp: number, at: number) => {
  const copy = slot.write({ packet: voicePacket({ ssrc: 1, sequence, timestamp }), at });
  return copy && { sequence: sequenceOf(copy), timestamp: timestampOf(copy), marker: markerOf(copy) };
};

test('sequence numbers advance by one and timestamps by the elapsed time, across speakers and both wrap-arounds', () => {
  const slot = new SlotStream(9, { sequence: 65_533, timestamp: 0xffff_ffff - 960 });
  expect(written(slot, 1, 1, 0)).toBeUndefined();
  slot.assign(carried());
  expect(written(slot, 65_535, 0xffff_fff0, 1000)).toEqual({ sequence: 65_534, timestamp: 0xffff_ffff, marker: true });
  expect(written(slot, 0, 944, 1020)).toEqual({ sequence: 65_535, timestamp: 959, marker: false });
  slot.assign(carried());
  expect(written(slot, 4000, 5, 1520)).toEqual({ sequence: 0, timestamp: 959 + 500 * 48, marker: true });
  // Pre-roll from before the previous speaker's last packet is placed one frame after it.
  slot.assign(carried());
  expect(written(slot, 50_000, 77, 1320)).toEqual({ sequence: 1, timestamp: 959 + 520 * 48, marker: true });
  expect(written(slot, 50_001, 77 + 960, 1340)).toEqual({ sequence: 2, timestamp: 959 + 540 * 48, marker: false });
});

test('all packets of a slot have its SSRC, whoever speaks', () => {
  const slot = new SlotStream(9, { sequence: 0, timestamp: 0 });
  for (const sequence of [1, 2]) {
    slot.assign(carried());
    const copy = slot.write({ packet: voicePacket({ ssrc: sequence, sequence }), at: 0 });
    expect(copy && ssrcOf(copy)).toBe(9);
  }
});

test("a speaker's gaps and order are kept; packets from before its first one are dropped", () => {
  const slot = new SlotStream(9, { sequence: 99, timestamp: 0 });
  slot.assign(carried());
  const sequences = [10, 9, 11, 14, 12, 14, 15].map((sequence, index) =>
    written(slot, sequence, sequence * 960, index * 20),
  );
  expect(sequences.map((copy) => copy?.sequence)).toEqual([100, undefined, 101, 104, 102, 104, 105]);
  expect(sequences.map((copy) => (copy ? copy.timestamp / 960 : undefined))).toEqual([1, undefined, 2, 5, 3, 5, 6]);
  // DTX: no packets for a while; their timestamps advance all the same.
  expect(written(slot, 16, 45 * 960, 700)).toEqual({ sequence: 106, timestamp: 36 * 960, marker: false });
  // A late packet is not where the next speaker continues.
  expect(written(slot, 13, 13 * 960, 710)?.sequence).toBe(103);
  slot.assign(carried());
  expect(written(slot, 1, 0, 740)).toEqual({ sequence: 107, timestamp: 38 * 960, marker: true });
});

test('a speaker that restarts its stream, or has wrong timestamps, continues like another speaker', () => {
  const slot = new SlotStream(9, { sequence: 99, timestamp: 0 });
  slot.assign(carried());
  written(slot, 10, 9600, 0);
  expect(written(slot, 30_000, 5, 20)).toEqual({ sequence: 101, timestamp: 1920, marker: true });
  // Timestamps that go back, and timestamps that jump.
  expect(written(slot, 30_001, 4, 40)).toEqual({ sequence: 102, timestamp: 2880, marker: true });
  expect(written(slot, 30_002, 0x7000_0000, 60)).toEqual({ sequence: 103, timestamp: 3840, marker: true });
  expect(written(slot, 30_003, 0x7000_0000 + 960, 80)).toEqual({ sequence: 104, timestamp: 4800, marker: false });
});
