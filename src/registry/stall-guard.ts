/**
 * Cuts connections whose body does not move.
 *
 * Looks at the socket's own counters once in an interval, so that the bytes
 * themselves cost nothing. A client that neither takes nor gives holds a file and
 * a buffer for no use.
 */
import type { Socket } from 'node:net'

export interface StallGuard {
  /** Watches until disposed of: around the time that bytes of a body should move. */
  watch(socket: Socket): Disposable
}

export interface StallGuardOptions {
  readonly intervalMs: number
  /** Bytes in one whole interval, in either direction; bytes handed to the system count as sent. */
  readonly minBytes: number
}

interface Watch {
  readonly socket: Socket
  /** At the last look; absent until the first one, since an interval may be nearly over when a watch begins. */
  bytes?: number
}

export function createStallGuard({ intervalMs, minBytes }: StallGuardOptions): StallGuard {
  const watches = new Set<Watch>()
  let timer: NodeJS.Timeout | undefined
  function look(): void {
    for (const watch of watches) {
      const bytes = watch.socket.bytesRead + watch.socket.bytesWritten
      if (watch.bytes !== undefined && bytes - watch.bytes < minBytes) watch.socket.destroy()
      watch.bytes = bytes
    }
  }
  return {
    watch: (socket) => {
      const watch: Watch = { socket }
      watches.add(watch)
      timer ??= setInterval(look, intervalMs).unref()
      return {
        [Symbol.dispose]: () => {
          watches.delete(watch)
          if (watches.size > 0) return
          clearInterval(timer)
          timer = undefined
        },
      }
    },
  }
}
