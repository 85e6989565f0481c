/** Suggests names for new rooms: short enough to be read out on the phone, and too many to be guessed. */

/** 128 words each: 7 bits. */
export const adjectives =
  'able agile airy alert amber ample apt avid balmy bold brave brief bright brisk broad calm candid careful cheery chief civil clean clear clever cosmic cosy crisp curious daring deep deft dewy eager early earnest easy even exact fair famous fast fine firm fleet fluent fond frank free fresh gentle glad golden good grand great green handy happy hardy hearty helpful honest humble ideal jolly jovial joyful keen kind large lasting light lively loyal lucid lucky lunar major mellow merry mild modern modest native neat new nimble noble novel open orderly patient placid plain plucky polite prime proud quick quiet rapid ready regal rosy round royal sage serene sharp shiny silver simple sincere smart smooth snug solar solid sound spry steady still strong sunny sure swift tall tidy'.split(
    ' ',
  );
export const nouns =
  'acorn alder anchor apple apricot arch atlas aurora badger bamboo banjo basil bay beacon beaver birch bison bonsai breeze bridge brook canoe canyon cedar cello cherry cloud clover comet compass coral cove crane creek cricket crystal daisy delta dolphin dune eagle ember falcon fern fiddle finch fjord forest fountain fox garden geyser ginger glacier globe grove gull harbor harp hazel heron hill hollow honey island iris ivy jasmine kayak kestrel kite koala lagoon lake lantern lark laurel lemon lilac lily linden lotus lynx magnet mango maple marble marigold meadow melon meteor mint moon moss nectar nest oak oasis olive orchid osprey otter owl panda peach pebble pelican pepper pine planet plum pond poppy prairie puffin quartz quill rabbit rain raven reef river robin saffron seal sparrow spruce star'.split(
    ' ',
  );

/** Two groups of four digits. */
const DIGITS = 10_000;

/** The entropy of a suggestion, in bits. */
export const SUGGESTION_BITS = Math.log2(adjectives.length * nouns.length * DIGITS * DIGITS);

/** Such as `brisk-heron-4821-0937`. */
export function suggestRoom(): string {
  const number = () => String(randomBelow(DIGITS)).padStart(4, '0');
  return [adjectives[randomBelow(adjectives.length)], nouns[randomBelow(nouns.length)], number(), number()].join('-');
}

/** A uniformly distributed random integer below `limit`. */
function randomBelow(limit: number): number {
  const all = 2 ** 32;
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return random < all - (all % limit) ? random % limit : randomBelow(limit);
}
