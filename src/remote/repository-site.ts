/**
 * One repository at one registry, as the request functions see it: the
 * conversation to use, the paths, and what requests need to be allowed.
 */
import { formatRepository } from '../oci/reference.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { AccessRequest } from './authenticator.ts'
import type { RegistrySession } from './registry-session.ts'
import { repositoryScope } from './scope.ts'

export interface RepositorySite {
  readonly session: RegistrySession
  readonly name: RepositoryName
  /** `quay.io/a/b`, for messages. */
  readonly label: string
  readonly reading: AccessRequest
  readonly writing: AccessRequest
}

/** A target's token allows pushing from the start: one token for each repository instead of two. */
export function repositorySite(session: RegistrySession, name: RepositoryName): RepositorySite {
  const { repository } = name
  const [pull, push] = [[repositoryScope(repository, 'pull')], [repositoryScope(repository, 'push')]]
  const writing = { repository, scopes: push }
  const reading =
    session.peer.side === 'target' ? { repository, scopes: push, leastScopes: pull } : { repository, scopes: pull }
  return { session, name, label: formatRepository(name), reading, writing }
}

/** `/v2/a/b/` and what follows, which comes from a parsed tag or digest. */
export function sitePath({ name }: RepositorySite, rest: string): string {
  return `/v2/${name.repository}/${rest}`
}
