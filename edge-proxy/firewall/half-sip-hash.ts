/** Two words of 32 bits. */
export type WordPair = readonly [high: number, low: number];

/**
 * HalfSipHash-2-4 of `words` with 64 bits of output (https://github.com/veorq/SipHash, halfsiphash.c): who does not know `key` cannot
 * choose words that collide, so nobody can aim at another's counter.
 */
export function halfSipHash(key: WordPair, words: readonly number[]): WordPair {
  let v0 = key[0];
  let v1 = key[1] ^ 0xee;
  let v2 = 0x6c796765 ^ key[0];
  let v3 = 0x74656462 ^ key[1];

  function round(): void {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }

  function absorb(word: number): void {
    v3 ^= word;
    round();
    round();
    v0 ^= word;
  }

  function finish(): number {
    for (let index = 0; index < 4; index++) round();
    return (v1 ^ v3) | 0;
  }

  for (const word of words) absorb(word);
  absorb((words.length * 4) << 24);
  v2 ^= 0xee;
  const high = finish();
  v1 ^= 0xdd;
  return [high, finish()];
}
