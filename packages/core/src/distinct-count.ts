/**
 * Counts distinct texts in constant memory: exact up to a bound, then HyperLogLog with 4096 registers, a standard error of
 * 1.6 %. Texts are hashed at once and not kept.
 */
export interface DistinctCount {
  add(text: string): void;
  /** Adds all that another counter has seen. */
  merge(other: DistinctCount): void;
  count(): number;
  clear(): void;
  /** What {@link merge} needs: the hashes while exact, else the registers. */
  readonly state: DistinctState;
}

export interface DistinctState {
  exact: Set<number> | null;
  registers: Uint8Array | null;
}

/** Beyond this many, registers take less room than hashes. */
export const exactBound = 512;

const indexBits = 12;
const registerCount = 1 << indexBits;
/** Bits of a hash that are left for the rank, which is one more when they are all 0. */
const rankBits = 53 - indexBits;

export function createDistinctCount(): DistinctCount {
  const state: DistinctState = { exact: new Set(), registers: null };

  function addHash(hash: number): void {
    if (state.exact === null) {
      register(state.registers!, hash);
      return;
    }
    state.exact.add(hash);
    if (state.exact.size > exactBound) switchToRegisters();
  }

  function switchToRegisters(): void {
    const registers = new Uint8Array(registerCount);
    for (const hash of state.exact!) register(registers, hash);
    state.registers = registers;
    state.exact = null;
  }

  return {
    state,
    add: (text) => addHash(hash53(text)),
    merge({ state: other }) {
      if (other.exact !== null) {
        for (const hash of other.exact) addHash(hash);
        return;
      }
      if (state.exact !== null) switchToRegisters();
      other.registers!.forEach((rank, index) => {
        if (rank > state.registers![index]!) state.registers![index] = rank;
      });
    },
    count: () => state.exact?.size ?? estimate(state.registers!),
    clear() {
      state.exact = new Set();
      state.registers = null;
    },
  };
}

/** The low bits choose the register, the position of the first set bit in the remaining 41 is its rank. */
function register(registers: Uint8Array, hash: number): void {
  const index = hash % registerCount;
  let rest = Math.floor(hash / registerCount);
  let rank = 1;
  while (rest % 2 === 0 && rank <= rankBits) {
    rest /= 2;
    rank++;
  }
  if (rank > registers[index]!) registers[index] = rank;
}

/**
 * Ertl's estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): as good at any number,
 * where the first one of 2007 is off by up to 5 % around 2.5 texts per register, where it changes its method.
 */
function estimate(registers: Uint8Array): number {
  const shares = Array.from({ length: rankBits + 2 }, () => 0);
  for (const rank of registers) shares[rank]! += 1 / registerCount;
  let sum = saturated(1 - shares[rankBits + 1]!);
  for (let rank = rankBits; rank > 0; rank--) sum = (sum + shares[rank]!) / 2;
  sum += untouched(shares[0]!);
  return Math.round(registerCount / (2 * Math.LN2 * sum));
}

/** What the share of registers without a text adds (the paper's sigma). */
function untouched(share: number): number {
  let [power, weight, sum, previous] = [share, 1, share, -1];
  while (sum !== previous && sum !== Infinity) {
    previous = sum;
    power *= power;
    sum += power * weight;
    weight *= 2;
  }
  return sum;
}

/** What the share of registers below the highest rank adds (the paper's tau). */
function saturated(share: number): number {
  if (share <= 0 || share >= 1) return 0;
  let [root, weight, sum, previous] = [share, 1, 1 - share, -1];
  while (sum !== previous) {
    previous = sum;
    root = Math.sqrt(root);
    weight /= 2;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}

/** A 53-bit hash of the text: two 32-bit multiplicative hashes with a final avalanche (constants of MurmurHash3's fmix32). */
function hash53(text: string): number {
  let low = 0x9e3779b9;
  let high = 0x85ebca6b;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0xcc9e2d51);
    low = (low << 15) | (low >>> 17);
    high = Math.imul(high ^ code, 0x1b873593);
    high = (high << 13) | (high >>> 19);
  }
  low = avalanche(low ^ text.length);
  high = avalanche(high ^ low);
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}

function avalanche(value: number): number {
  let mixed = value;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
