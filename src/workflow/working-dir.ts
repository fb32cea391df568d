/**
 * The `working-dir`: names of the files in it, as `oc-mirror` v2 has them.
 *
 * What is ours alone lies under `airlift/`.
 */
import { join } from 'node:path'

export interface WorkingDir {
  readonly root: string
  readonly logs: string
  readonly dryRun: string
  readonly clusterResources: string
  readonly plan: string
  /** What this workspace knows of its archives. */
  readonly archives: string
  /** Which program made the archive: the original warns where it is not itself. */
  readonly programVersion: string
  /** `isc_pinned_2026-01-16T11:15:20Z.yaml`. */
  pinned(kind: 'isc' | 'disc'): string
  log(): string
  errors(): string
}

/** @param now Time of the run: stamps of all its files. */
export function workingDir(root: string, now: Date): WorkingDir {
  const stamp = fileStamp(now)
  return {
    root,
    logs: join(root, 'logs'),
    dryRun: join(root, 'dry-run'),
    clusterResources: join(root, 'cluster-resources'),
    plan: join(root, 'airlift', 'plan.json'),
    archives: join(root, 'airlift', 'archives.json'),
    programVersion: join(root, 'internal', 'oc-mirror-version.json'),
    pinned: (kind) => join(root, `${kind}_pinned_${rfc3339(now)}.yaml`),
    log: () => join(root, 'logs', `oc-mirror-${stamp}.log`),
    errors: () => join(root, 'logs', `mirroring_errors_${stamp}.txt`),
  }
}

/** RFC 3339 in UTC, to the second. */
export function rfc3339(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z')
}

/** `20260116_111520`, in UTC. */
function fileStamp(time: Date): string {
  return rfc3339(time).replaceAll(/[-:Z]/g, '').replace('T', '_')
}
