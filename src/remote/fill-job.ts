/** One blob on its way to a slot on a disk, as every way of fetching it sees it. */
import type { SlotFile } from '../content/slot-file.ts'
import type { CarryJob } from './carry-job.ts'

export interface FillJob extends Pick<CarryJob, 'content' | 'budget' | 'signal' | 'onProgress'> {
  readonly file: SlotFile
}
