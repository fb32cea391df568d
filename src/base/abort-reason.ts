/** Aborts as their callers know them: Node's own modules reject with an error of theirs, not with the signal's reason. */

/** Rejects with `signal.reason` where `work` failed and the signal had been aborted; with its own failure otherwise. */
export async function rejectWithReason<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    signal.throwIfAborted()
    throw error
  }
}
