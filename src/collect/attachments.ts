/**
 * What stands beside an image: signatures, attestations and SBOMs, by cosign's
 * tags and by OCI referrers.
 *
 * At most five look-ups for each manifest: three tags, the referrers API, and its
 * tag where a registry has no API.
 *
 * Spec: https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-referrers
 */
import { isAirliftError, messageOf } from '../base/errors.ts'
import { mapLimit } from '../base/map-limit.ts'
import type { CallOptions, ImageSource } from '../content/ports.ts'
import type { Digest } from '../oci/digest.ts'
import type { Manifest } from '../oci/manifest.ts'
import type { Attachment } from '../plan/collection.ts'

const TAGS = [
  { suffix: 'sig', role: 'signature' },
  { suffix: 'att', role: 'attestation' },
  { suffix: 'sbom', role: 'sbom' },
] as const

/** Referrers of referrers that are followed: a signature of an SBOM of an image is two. */
const MAX_DEPTH = 3
const MAX_REFERRERS = 1000
const PARALLEL_SUBJECTS = 8

export interface AttachmentOptions extends CallOptions {
  /** False leaves cosign's signature tags out. */
  readonly signatures: boolean
  /** A look-up that the source refused, in words; the image is copied without what was not found. */
  readonly onWarning: (message: string) => void
}

export interface Found {
  readonly attachments: readonly Attachment[]
  readonly manifests: readonly Manifest[]
}

/** `subjects` are the manifests of one image; order of the result follows theirs. */
export async function findAttachments(
  source: ImageSource,
  subjects: readonly Digest[],
  options: AttachmentOptions,
): Promise<Found> {
  const found = await mapLimit(
    subjects,
    PARALLEL_SUBJECTS,
    (subject, signal) => attachmentsOf(source, subject, { ...options, signal }),
    options,
  )
  return merge(found)
}

async function attachmentsOf(source: ImageSource, subject: Digest, options: AttachmentOptions): Promise<Found> {
  const tags = TAGS.filter(({ role }) => options.signatures || role !== 'signature')
  return merge(
    await Promise.all([
      ...tags.map(({ suffix, role }) =>
        taggedAttachment(source, { subject, tag: `${subject.replace(':', '-')}.${suffix}`, role }, options),
      ),
      referrersOf(source, subject, MAX_DEPTH, options),
    ]),
  )
}

async function taggedAttachment(
  source: ImageSource,
  { subject, tag, role }: { readonly subject: Digest; readonly tag: string; readonly role: Attachment['role'] },
  options: AttachmentOptions,
): Promise<Found> {
  const manifest = await ask(() => source.manifest(tag, options), `looking up ${tag}`, options)
  if (manifest?.kind !== 'image') return NOTHING
  return { attachments: [{ subject, root: manifest.descriptor, tag, role }], manifests: [manifest] }
}

async function referrersOf(
  source: ImageSource,
  subject: Digest,
  depth: number,
  options: AttachmentOptions,
): Promise<Found> {
  if (depth === 0) return NOTHING
  const listed =
    (await ask(() => source.referrers(subject, options), `looking up referrers of ${subject}`, options)) ?? []
  if (listed.length > MAX_REFERRERS)
    options.onWarning(`${subject} has ${listed.length} referrers; the first ${MAX_REFERRERS} are taken`)
  const found = await mapLimit(
    listed.slice(0, MAX_REFERRERS),
    PARALLEL_SUBJECTS,
    async (referrer, signal): Promise<Found> => {
      const manifest = await ask(
        () => source.manifest(referrer.digest, { signal }),
        `reading referrer ${referrer.digest}`,
        options,
      )
      if (manifest?.kind !== 'image' || manifest.subject?.digest !== subject) return NOTHING
      const own = {
        attachments: [{ subject, root: manifest.descriptor, role: 'referrer' as const }],
        manifests: [manifest],
      }
      return merge([own, await referrersOf(source, referrer.digest, depth - 1, { ...options, signal })])
    },
    options,
  )
  return merge(found)
}

/** `undefined` and a warning where the source refuses: an attachment never spoils the image that it stands beside. */
async function ask<T>(look: () => Promise<T>, what: string, options: AttachmentOptions): Promise<T | undefined> {
  try {
    return await look()
  } catch (error) {
    if (options.signal.aborted || !isAirliftError(error)) throw error
    options.onWarning(`${what}: ${messageOf(error)}`)
    return undefined
  }
}

const NOTHING: Found = { attachments: [], manifests: [] }

function merge(found: readonly Found[]): Found {
  return {
    attachments: found.flatMap(({ attachments }) => attachments),
    manifests: found.flatMap(({ manifests }) => manifests),
  }
}
