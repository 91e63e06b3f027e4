// Names. Of rooms: what is allowed, what to suggest, what was used before.

export const shortestRoomName = 5;
const longestRoomName = 64;
const recentKey = 'recentRooms'; // AppRTC's key and format: newest first
const mostRecent = 10;

/** Marked as pure, so that who imports something else from here carries none of them. */
const words = (list: string) => list.split(' ');

const adjectives = /* @__PURE__ */ words(
  'able airy amber azure balmy bold brave breezy bright brisk calm candid cheery clear clever cool ' +
  'coral cosy crisp dapper daring deep deft eager early easy fair fleet fond free fresh frosty gentle ' +
  'glad golden grand happy hardy hazy hearty honest humble jolly keen kind lasting light lively lofty ' +
  'loyal lucky lunar mellow merry mild misty neat nimble noble northern open pearly placid plucky polar ' +
  'proud quick quiet ready rosy round royal salty sandy serene sharp shiny silver simple sleek smooth ' +
  'snug soft solar southern spry stable starry steady still stout sunny swift tender tidal tidy tranquil ' +
  'true upbeat vast velvet violet vivid warm western wide wild windy wise witty young zesty'
);
const animals = /* @__PURE__ */ words(
  'albatross anchovy auk avocet barnacle bass beluga bream clam cod coot cormorant crab crane curlew ' +
  'cuttlefish dipper dolphin dory duck dunlin eel egret eider falcon finch flounder gannet goose grebe ' +
  'grouper guillemot gull haddock hake halibut heron herring ibis kestrel kingfisher kittiwake lobster ' +
  'loon mackerel mallard manatee marlin mullet murre mussel narwhal nautilus newt noddy octopus orca ' +
  'osprey otter oyster pelican penguin petrel pike pilchard pintail plover porpoise prawn puffin ray ' +
  'redshank robin salmon sandpiper sardine scallop seahorse seal shag shearwater shrimp skate skua smelt ' +
  'snipe sole spoonbill sprat squid starfish stilt stork sturgeon sunfish swallow swan swift teal tern ' +
  'trout tuna turbot turnstone turtle urchin walrus whale whelk whimbrel whiting wigeon wren'
);
const places = /* @__PURE__ */ words(
  'anchor atoll bank bar basin bay beach beacon bight bluff boathouse bow breakwater bridge buoy cabin ' +
  'canal cape causeway channel chart cliff coast compass cove creek current deck delta dinghy dock drift ' +
  'dune eddy estuary fathom ferry firth fjord galley gangway gulf harbour haven headland helm horizon ' +
  'inlet island isle jetty keel ketch kelp knot lagoon landing lantern launch ledge lighthouse lock ' +
  'lookout marina mast meadow mole mooring moon narrows oar ocean outpost pebble pennant pier point pond ' +
  'pool port promenade quay raft reef regatta rigging ripple river road rudder sail sandbar schooner sea ' +
  'shallows shelf shingle shoal shore skerry skiff slipway sloop sound spinnaker spit spray star stern ' +
  'strait stream surf swell tide topsail vessel voyage wake water wave wharf wind yawl'
);
const letters = 'abcdefghjkmnpqrstuvwxyz23456789'; // without those that are easily misread

/** The name is all that keeps strangers out of a room, so it must not be guessable. */
export const suggestionBits = (): number =>
  Math.log2(adjectives.length) +
  Math.log2(animals.length) +
  Math.log2(places.length) +
  4 * Math.log2(letters.length);

function pick<T>(list: ArrayLike<T>, random: () => number): T {
  return list[Math.floor(random() * list.length)] as T;
}

const strongRandom = () => (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;

export function suggestRoom(random: () => number = strongRandom): string {
  const tail = Array.from({ length: 4 }, () => pick(letters, random)).join('');
  return [pick(adjectives, random), pick(animals, random), pick(places, random), tail].join('-');
}

const makingMs = 3_000;

/** One that the server has made, where it takes no others; null where any will do, or no server answers in time. */
export async function madeRoom(): Promise<string | null> {
  try {
    const reply = await fetch('/v1/names', { method: 'POST', signal: AbortSignal.timeout(makingMs) });
    const { room, required }: { room?: unknown; required?: unknown } = await reply.json();
    return required === true && typeof room === 'string' && isRoomName(room) ? room : null;
  } catch {
    return null;
  }
}

/** What somebody typed, as a room name: "Café am Meer" is cafe-am-meer. */
export function tidyRoom(typed: string): string {
  return typed
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .trim()
    .replace(/[\s.,/]+/g, '-')
    .slice(0, longestRoomName);
}

export function isRoomName(name: string): boolean {
  return name.length >= shortestRoomName && /^[A-Za-z0-9_-]+$/.test(name);
}

/** A pasted invitation is as good as a name. */
export function roomFromLink(pasted: string): string {
  return /\/r\/([A-Za-z0-9_-]+)/.exec(pasted)?.[1] ?? pasted;
}

export function recentRooms(): string[] {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(recentKey) ?? '[]');
    if (!Array.isArray(list)) return [];
    return (list as unknown[])
      .filter((room): room is string => typeof room === 'string' && isRoomName(room))
      .slice(0, mostRecent);
  } catch {
    return [];
  }
}

function storeRecent(rooms: readonly string[]): void {
  try {
    localStorage.setItem(recentKey, JSON.stringify(rooms.slice(0, mostRecent)));
  } catch {
    // Private windows may refuse; the list is a convenience.
  }
}

export function rememberRoom(room: string): void {
  storeRecent([room, ...recentRooms().filter((r) => r !== room)]);
}

export function forgetRoom(room: string): void {
  storeRecent(recentRooms().filter((r) => r !== room));
}

/** A person's name, so that it fits into a sentence. */
export function shortened(name: string): string {
  return name.length > 24 ? `${name.slice(0, 23).trimEnd()}…` : name;
}
