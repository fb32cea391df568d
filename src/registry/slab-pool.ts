/**
 * Buffers for blob bodies, used again instead of collected.
 */
export interface SlabPool {
  take(): Buffer
  /** Only once nothing reads the slab any more. */
  give(slab: Buffer): void
}

/** 256 KiB: larger gains nothing over loopback or 10 GbE, and a server holds one for each running pull. */
const SLAB_BYTES = 256 * 1024

/** Keeps at most `keep` idle slabs. */
export function createSlabPool(keep: number): SlabPool {
  const idle: Buffer[] = []
  return {
    take: () => idle.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES),
    give: (slab) => {
      if (idle.length < keep) idle.push(slab)
    },
  }
}
