/**
 * Keys of `oc-mirror` v1 that v2 does not have, and what to write instead. Pure.
 */
const OBSOLETE: Readonly<Record<string, string>> = {
  storageConfig: 'remove it: v2 keeps its state in the workspace or beside the archive, and needs no storage',
  targetName: 'rename it to "targetCatalog", which takes a path such as "my-namespace/my-catalog"',
  originalRef: 'remove it, and name a catalog on disk by "catalog: oci:///path"',
  minBundle: 'write "minVersion" with the version of that bundle',
  selectedBundles: 'select by "minVersion" and "maxVersion" of a package or channel',
  headsOnly: 'remove it: channel heads are the default; "full: true" takes every bundle',
  startingVersion: 'rename it to "minVersion"',
  startingBundle: 'write "minVersion" with the version of that bundle',
  ocp: 'rename it to "platform"',
}

/** What a v1 key has become; `undefined` for any other. */
export function obsoleteKeyAdvice(key: string): string | undefined {
  const name = Object.keys(OBSOLETE).find((known) => known.toLowerCase() === key.toLowerCase())
  return name === undefined ? undefined : `a key of v1; ${OBSOLETE[name] ?? ''}`
}
