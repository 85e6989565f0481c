/** The participants in the pictures: names, appearance and behaviour. */
import type { Role } from '../../web/client/index.ts';
import type { Looks } from './figures.ts';
import type { ParticipantSpec } from './SceneParticipants.ts';

/** Name of the participant whose page is shown. */
export const viewerName = 'Alex Kim';
export const viewerLooks: Looks = { wall: 205, clothes: 188, skin: '#e9b995', hair: '#3a2a20', cut: 'short' };

const tones = ['#f2c9a8', '#8d5a3b', '#dca27c', '#6b4128', '#eab68f', '#c68a5e', '#f5d3b8'];
const hairs = ['#1f1a18', '#5b3a22', '#2a1c14', '#151314', '#8a5a2b', '#30241c', '#b98a4a'];
const cuts = ['long', 'short', 'curly', 'short', 'bun', 'bald', 'long', 'short'] as const;

/** Appearances that do not repeat for a while. */
function looksOf(index: number): Looks {
  return {
    wall: (30 + index * 77) % 360,
    clothes: (150 + index * 101) % 360,
    skin: tones[index % tones.length] ?? '#dca27c',
    hair: hairs[(index * 3) % hairs.length] ?? '#1f1a18',
    cut: cuts[index % cuts.length] ?? 'short',
    beard: index % 8 === 3 || index % 8 === 5,
    glasses: index % 5 === 1,
  };
}

const names = [
  'Mina Park',
  'Jonas Weber',
  'Priya Raman',
  'Tomás Oliveira',
  '김서연',
  'Ada',
  'Maximiliane von Hohenstein-Oberndorf',
  'Kwame Mensah',
  'Lucía Fernández',
  'Yuki Tanaka',
  'Olu Adeyemi',
  'Sofia Rossi',
  '박지훈',
  'Emil Lindqvist',
  'Nour Haddad',
  'Grace Okafor',
  'Ivan Petrov',
  'Chloé Martin',
  'Ravi',
  'Hanna Nowak',
  'Diego Castillo',
  'Zoë van Dijk',
  'Ahmet Yılmaz',
  'Ines',
];

/**
 * `count` others: the first speaks, one is muted, one has no camera, one has raised a hand, and so on through the list.
 */
function crowd(count: number): readonly ParticipantSpec[] {
  return names.slice(0, count).map((name, index) => ({
    name,
    looks: looksOf(index),
    microphone: index === 0 ? 'speaks' : index % 3 === 1 ? 'muted' : 'silent',
    camera: index > 1 && index % 6 === 3 ? 'off' : 'on',
    hand: index === 2,
  }));
}

/** The scenes of the pictures; pictures with the same list share a running scene. */
const four = crowd(4);
export const scenes = {
  nobody: [] as readonly ParticipantSpec[],
  one: crowd(1),
  two: crowd(2),
  three: crowd(3).map((part) => ({ ...part, hand: false })),
  four,
  eleven: crowd(11),
  twentyFour: crowd(24),
  share: four.map((part, index): ParticipantSpec => (index === 1 ? { ...part, screen: 'plan' } : part)),
  shares: four.map(
    (part, index): ParticipantSpec => (index < 2 ? { ...part, screen: index ? 'plan' : 'chart' } : part),
  ),
  slow: four.map((part, index): ParticipantSpec => ({ ...part, ...(index === 1 && { camera: 'late' }), hand: false })),
  /** On the stage of a broadcast, and in its audience. */
  watching: asRoles('viewer', 'viewer', 'viewer'),
  guest: asRoles('speaker', 'viewer', 'viewer', 'viewer'),
  host: asRoles('host'),
  stage: asRoles('host', 'speaker'),
  sharing: asRoles('host', 'speaker').map(
    (part, index): ParticipantSpec => (index === 0 ? { ...part, screen: 'plan' } : part),
  ),
} satisfies Record<string, readonly ParticipantSpec[]>;

/** Broadcast participants with these roles; viewers have a hand raised. */
function asRoles(...roles: readonly Role[]): readonly ParticipantSpec[] {
  return crowd(roles.length).map((part, index): ParticipantSpec => {
    const role = roles[index] ?? 'viewer';
    return { ...part, role, camera: 'on', microphone: index === 0 ? 'speaks' : 'silent', hand: role === 'viewer' };
  });
}
