/**
 * Token scopes: what a bearer token is asked to allow, `repository:a/b:pull,push`. Pure.
 *
 * Spec: https://distribution.github.io/distribution/spec/auth/scope/
 */
export type Scope = string

export type Access = 'pull' | 'push'

const MAX_SCOPES = 16

/** Pushing implies pulling: registries refuse the one without the other. */
export function repositoryScope(repository: string, access: Access): Scope {
  return `repository:${repository}:${access === 'push' ? 'pull,push' : 'pull'}`
}

/** The union, actions of one resource in one scope, sorted; what is not `type:name:actions` is left out. */
export function mergeScopes(...lists: readonly (readonly Scope[])[]): readonly Scope[] {
  const actions = new Map<string, Set<string>>()
  for (const scope of lists.flat()) {
    const colon = scope.lastIndexOf(':')
    const resource = scope.slice(0, Math.max(colon, 0))
    if (!resource.includes(':') || !/^[\u0021-\u007e]{1,1024}$/.test(scope)) continue
    const known = actions.get(resource) ?? new Set()
    for (const action of scope.slice(colon + 1).split(',')) if (action !== '') known.add(action)
    actions.set(resource, known)
  }
  return [...actions]
    .map(([resource, names]) => `${resource}:${[...names].toSorted().join(',')}`)
    .toSorted()
    .slice(0, MAX_SCOPES)
}
