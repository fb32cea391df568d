/**
 * The registries of a run, wired: what the configuration files of the machine
 * say is read here, once, and handed to the clients as functions.
 */
import { stat } from 'node:fs/promises'
import { homedir, userInfo } from 'node:os'
import { join, resolve } from 'node:path'
import { loadCertificates } from '../config/certs-dir.ts'
import { CredentialStore } from '../config/credential-store.ts'
import { proxyFor } from '../config/proxy.ts'
import { prepareRegistriesD } from '../config/registries-d-workspace.ts'
import { signatureSettings } from '../config/registries-d.ts'
import type { RegistriesD } from '../config/registries-d.ts'
import { loadRegistriesConf } from '../config/registries-conf.ts'
import { endpointOf, pullSources } from '../config/registries-match.ts'
import { loadSystemCa } from '../config/system-ca.ts'
import { openBlobDirectory } from '../content/blob-directory.ts'
import type { BlobSlots } from '../content/blob-slots.ts'
import type { BlobLookup } from '../content/blob-store.ts'
import type { Archive } from '../archive/reading-types.ts'
import { openLayout } from '../content/oci-layout.ts'
import type { BlobCarrier, CallOptions, ImageSink, ImageSource, Place } from '../content/ports.ts'
import type { Descriptor } from '../oci/descriptor.ts'
import type { RepositoryName } from '../oci/reference.ts'
import type { RegistryClientOptions } from '../remote/endpoint.ts'
import { RegistryClient } from '../remote/registry-client.ts'
import { DiskCarrier } from '../remote/disk-carrier.ts'
import { RemoteCarrier } from '../remote/remote-carrier.ts'
import type { TargetBase } from '../plan/target.ts'
import { continuedSource } from './continued-source.ts'
import type { MirrorOptions, RunContext, SideAccess } from './mirror-options.ts'

export interface Clients extends AsyncDisposable {
  readonly source: RegistryClient
  readonly target: RegistryClient
  readonly sourceCredentials: CredentialStore
  readonly targetCredentials: CredentialStore
  readonly registriesD: RegistriesD
  /** To the target's registry. */
  readonly carrier: BlobCarrier
  /** To an archive; the caller's to dispose. */
  readonly carrierTo: (slots: BlobSlots) => BlobCarrier & Disposable
  readonly sourceAt: (place: Place, options: CallOptions) => Promise<ImageSource>
  readonly targetAt: (name: RepositoryName) => ImageSink
  /** Whether cosign's signature tags of a place come along. */
  readonly takesSignatures: (place: Place) => boolean
  /** Whether the read-only cache of an earlier `oc-mirror` holds the blob. */
  readonly isCached: (content: Descriptor, options: CallOptions) => Promise<boolean>
}

/** Sockets that one host is given at most, and requests that may be under way on them. */
const CONNECTIONS_PER_HOST = 32
const REQUESTS_PER_HOST = 32

export interface ClientsOptions {
  /** What is mirrored, where that is an archive. */
  readonly archive: Archive | undefined
  readonly base: TargetBase
}

export async function openClients(
  options: MirrorOptions,
  context: RunContext,
  { archive, base }: ClientsOptions,
): Promise<Clients> {
  const { env, signal } = context
  const home = env['HOME'] ?? homedir()
  const conf = await loadRegistriesConf({ env, home, signal })
  const systemCa = await loadSystemCa({ env, signal })
  const registriesD = await prepareRegistriesD({
    from: options.registriesD,
    workingDir: options.workingDir,
    port: options.port,
    destination: options.destination.kind === 'registry' ? registryPath(options.destination) : undefined,
    home,
    signal,
  })
  const credentials = ({ authFile, isAnonymous }: SideAccess): CredentialStore =>
    new CredentialStore({
      authFile,
      env,
      home,
      uid: userInfo().uid,
      credentialHelpers: isAnonymous ? [] : conf.credentialHelpers,
    })
  const [sourceCredentials, targetCredentials] = [credentials(options.source), credentials(options.target)]
  const certificatesOf =
    ({ certDir }: SideAccess): RegistryClientOptions['certificates'] =>
    async (registry, call) => {
      const own = await loadCertificates(registry, {
        home,
        ...call,
        ...(certDir !== undefined && { directory: certDir }),
      })
      return { ...own, ca: [...systemCa, ...own.ca] }
    }
  const common = {
    endpointOf: (name: RepositoryName) => endpointOf(conf, name),
    proxyFor: (url: URL) => proxyFor(url, env),
    limits: { connectionsPerHost: CONNECTIONS_PER_HOST, requestsPerHost: REQUESTS_PER_HOST },
    retry: { times: options.retryTimes, delayMs: options.retryDelayMs },
    stallTimeoutMs: options.stallTimeoutMs,
    onRetry: ({ registry, attempt, waitMs, message }) =>
      context.onEvent({ type: 'retry', image: registry, attempt, waitMs, message }),
  } satisfies Partial<RegistryClientOptions>
  await using stack = new AsyncDisposableStack()
  const source = stack.use(
    new RegistryClient({
      ...common,
      side: 'source',
      credentials: sourceCredentials,
      certificates: certificatesOf(options.source),
      tlsVerify: options.sourceTlsVerify,
      pullSources: (reference) => pullSources(conf, reference),
    }),
  )
  const target = stack.use(
    new RegistryClient({
      ...common,
      side: 'target',
      credentials: targetCredentials,
      certificates: certificatesOf(options.target),
      tlsVerify: options.targetTlsVerify,
      // What is asked of the target is asked of it alone: another registry's answer says nothing about what it holds.
      pullSources: (name) => [{ name, ...endpointOf(conf, name), isMirror: false }],
    }),
  )
  const layouts = new Map<string, ImageSource>()
  const sourceOf = (place: Place): ImageSource | undefined => {
    switch (place.kind) {
      case 'repository':
        return source.repository(place)
      case 'archive':
        return (
          archive &&
          continuedSource(archive.repository(place.repository), { base, target: (name) => target.repository(name) })
        )
      case 'layout':
        return layouts.get(place.name)
    }
  }
  const cache = await openCache(options.cacheDir)
  const carrierOptions = {
    source: (place: Place): ImageSource => {
      const opened = sourceOf(place)
      if (opened === undefined) throw new Error(`${place.kind} has not been opened`)
      return opened
    },
    ...(cache !== undefined && { cache }),
    retry: common.retry,
    stallTimeoutMs: options.stallTimeoutMs,
    blobsPerHost: options.parallelImages * options.parallelLayers,
  }
  const carrier = stack.use(new RemoteCarrier({ ...carrierOptions, target: (name) => target.repository(name) }))
  const owned = stack.move()
  return {
    source,
    target,
    sourceCredentials,
    targetCredentials,
    registriesD,
    carrier,
    carrierTo: (slots) => new DiskCarrier({ ...carrierOptions, slots }),
    sourceAt: async (place, call) => {
      const opened = sourceOf(place)
      if (opened !== undefined) return opened
      if (place.kind !== 'layout') throw new Error(`${place.kind} has not been opened`)
      const layout = await openLayout(resolve(context.cwd, place.name), call)
      layouts.set(place.name, layout)
      return layout
    },
    targetAt: (name) => target.repository(name),
    takesSignatures: (place) =>
      !options.removeSignatures &&
      (place.kind !== 'repository' || signatureSettings(registriesD, place).useSigstoreAttachments !== false),
    isCached: async (content, call) => (await cache?.size(content.digest, call)) === content.size,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Users of the original hold hundreds of gigabytes there; what is missing is no mistake. */
async function openCache(directory: string | undefined): Promise<BlobLookup | undefined> {
  if (directory === undefined) return undefined
  const found = await stat(join(directory, 'docker/registry/v2')).catch(() => undefined)
  return found?.isDirectory() === true ? openBlobDirectory(directory) : undefined
}

function registryPath({ registry, namespace }: { readonly registry: string; readonly namespace: string }): string {
  return namespace === '' ? registry : `${registry}/${namespace}`
}
