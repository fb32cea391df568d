/** Flags that `--help` of the original hides as well; scripts use some of them. */
import type { Flag } from './flag.ts'

const TRANSPORT = 'Only other transports than registries use it, there as here.'
const SAME_BYTES = 'Blobs are copied as they are, so that digests stay; so the original does, which preserves digests.'

const COMMON: readonly Flag[] = [
  {
    name: 'loglevel',
    type: 'string',
    value: 'level',
    sameAs: 'log-level',
    hidden: true,
    help: 'same as --log-level',
    effect: 'same',
    note: 'As user guides spell it.',
  },
  {
    name: 'v2',
    type: 'boolean',
    hidden: true,
    help: 'accepted: this is oc-mirror v2',
    effect: 'none',
    note: 'Need not be given: there is no other version here.',
  },
  {
    name: 'v1',
    type: 'boolean',
    hidden: true,
    help: 'refused: this is oc-mirror v2',
    effect: 'refused',
    note: 'write a v2alpha1 configuration, and leave the flag out',
  },
  {
    name: 'tls-verify',
    type: 'boolean',
    hidden: true,
    help: 'sets --src-tls-verify and --dest-tls-verify where they are not given',
    effect: 'same',
  },
  {
    name: 'quiet',
    short: 'q',
    type: 'boolean',
    hidden: true,
    help: 'accepted, without effect',
    effect: 'none',
    note: 'The original ignores it as well.',
  },
  {
    name: 'force',
    short: 'f',
    type: 'boolean',
    hidden: true,
    help: 'accepted, without effect',
    effect: 'none',
    note: 'The original ignores it as well.',
  },
  {
    name: 'rootless-storage-path',
    type: 'directory',
    value: 'dir',
    hidden: true,
    help: 'accepted, without effect',
    effect: 'none',
    note: 'The original ignores it as well.',
  },
  ...['cpu-prof', 'mem-prof'].map((name): Flag => ({
    name,
    type: 'boolean',
    hidden: true,
    help: 'accepted, without effect',
    effect: 'none',
    note: 'It profiles the Go program.',
  })),
]

function sideFlags(side: 'src' | 'dest'): readonly Flag[] {
  const registry = side === 'src' ? 'source registries' : 'the target registry'
  const text = { type: 'string', hidden: true } as const
  const ignored = { help: 'accepted, without effect', effect: 'none' } as const
  return [
    {
      ...text,
      name: `${side}-creds`,
      value: 'user:password',
      help: `credentials for ${registry} that ask for them`,
      effect: 'same',
      note: 'Used where the auth file has none that the registry takes. Other users of the machine can see it.',
    },
    {
      ...text,
      name: `${side === 'src' ? 's' : 'd'}creds`,
      value: 'user:password',
      sameAs: `${side}-creds`,
      help: `same as --${side}-creds`,
      effect: 'same',
    },
    {
      ...text,
      name: `${side}-username`,
      value: 'user',
      help: `user name for ${registry}; needs --${side}-password`,
      effect: 'same',
    },
    {
      ...text,
      name: `${side}-password`,
      value: 'password',
      help: `password for ${registry}; needs --${side}-username`,
      effect: 'same',
    },
    {
      name: `${side}-no-creds`,
      type: 'boolean',
      hidden: true,
      help: `use no credentials for ${registry}`,
      effect: 'same',
    },
    {
      ...text,
      name: `${side}-registry-token`,
      value: 'token',
      help: 'refused: use --authfile',
      effect: 'refused',
      note: 'put credentials into the auth file, as podman login does',
    },
    {
      name: `${side}-authfile`,
      type: 'file',
      value: 'file',
      hidden: true,
      help: `like --authfile, for ${registry}`,
      effect: 'same',
    },
    {
      name: `${side}-cert-dir`,
      type: 'directory',
      value: 'dir',
      hidden: true,
      help: `certificates for ${registry}, in place of certs.d`,
      effect: 'same',
    },
    { ...text, ...ignored, name: `${side}-daemon-host`, value: 'host', note: TRANSPORT },
    { ...text, ...ignored, name: `${side}-shared-blob-dir`, value: 'dir', note: TRANSPORT },
  ]
}

const COMPRESSION: readonly Flag[] = [
  ...['dest-compress', 'dest-decompress', 'dest-oci-accept-uncompressed-layers', 'dest-precompute-digests'].map(
    (name): Flag => ({
      name,
      type: 'boolean',
      hidden: true,
      help: 'accepted, without effect',
      effect: 'none',
      note: SAME_BYTES,
    }),
  ),
  ...['dest-compress-format', 'dest-compress-level'].map((name): Flag => ({
    name,
    type: 'string',
    value: 'value',
    hidden: true,
    help: 'accepted, without effect',
    effect: 'none',
    note: SAME_BYTES,
  })),
]

export const HIDDEN_FLAGS: readonly Flag[] = [...COMMON, ...sideFlags('src'), ...sideFlags('dest'), ...COMPRESSION]
