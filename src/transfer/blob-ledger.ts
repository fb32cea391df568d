/**
 * Who brings which blob to the target, so that each is fetched once.
 *
 * The first image of the plan that lacks a blob owns it: others wait for the
 * owner and then mount from its repository, also when they come to it first. So
 * after a kill the same image fetches the same blob, and finds what had arrived.
 * An owner that fails lets go of its blobs, and the next in line fetches.
 */
import type { Digest } from '../oci/digest.ts'
import type { Plan } from '../plan/plan-types.ts'

interface Entry {
  /** Repositories of the target that hold the blob. */
  readonly holders: Set<string>
  /** Repositories that may fetch it, in plan order. */
  readonly line: string[]
  /** Repositories that it is being fetched into. */
  readonly fetching: Set<string>
  readonly waiting: Set<() => void>
}

export class BlobLedger {
  readonly #entries: Map<Digest, Entry>

  constructor(plan: Pick<Plan, 'blobs'>) {
    this.#entries = new Map(
      plan.blobs.map(({ content, heldBy, wantedBy }) => [
        content.digest,
        { holders: new Set(heldBy), line: [...wantedBy], fetching: new Set(), waiting: new Set() },
      ]),
    )
  }

  isHeld(digest: Digest, repository: string): boolean {
    return this.#entry(digest).holders.has(repository)
  }

  /** A repository to mount from, if any holds the blob. */
  holder(digest: Digest): string | undefined {
    const [first] = this.#entry(digest).holders
    return first
  }

  /**
   * Whether `repository` is the one to fetch: no other fetch of the blob is under way that it could profit from, and
   * nobody before it in line is still to come.
   */
  isOwner(digest: Digest, repository: string): boolean {
    const { line, holders, fetching } = this.#entry(digest)
    if (fetching.has(repository)) return false
    return holders.size > 0 || (fetching.size === 0 && (line[0] === undefined || line[0] === repository))
  }

  /** Runs `fetch`; until it ends, others wait. */
  async fetch(digest: Digest, repository: string, fetch: () => Promise<void>): Promise<void> {
    const { fetching, holders } = this.#entry(digest)
    fetching.add(repository)
    try {
      await fetch()
      holders.add(repository)
    } finally {
      fetching.delete(repository)
      this.letGo(digest, repository)
    }
  }

  /** Records a mount, or a blob found at the target. */
  hold(digest: Digest, repository: string): void {
    this.#entry(digest).holders.add(repository)
    this.letGo(digest, repository)
  }

  /** Takes a repository out of the line, whether it brought the blob or gave up. */
  letGo(digest: Digest, repository: string): void {
    const { line, waiting } = this.#entry(digest)
    const place = line.indexOf(repository)
    if (place >= 0) line.splice(place, 1)
    for (const wake of waiting) wake()
    waiting.clear()
  }

  /** Resolves at the next change of a blob's holders or line. */
  changed(digest: Digest, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted()
    const { waiting } = this.#entry(digest)
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        waiting.delete(wake)
        reject(signal.reason as Error)
      }
      const wake = (): void => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      }
      waiting.add(wake)
      signal.addEventListener('abort', onAbort, { once: true })
    })
  }

  #entry(digest: Digest): Entry {
    const entry = this.#entries.get(digest)
    if (entry === undefined) throw new Error(`${digest} is not in the plan`)
    return entry
  }
}
