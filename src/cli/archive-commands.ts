/** The commands about archives, as data: their arguments, flags and examples. */
import type { Flag } from './flag.ts'

export interface ArchiveCommand {
  readonly name: 'list' | 'verify' | 'extract' | 'serve'
  /** As in the usage line. */
  readonly arguments: string
  readonly help: string
  readonly flags: readonly Flag[]
  /** Comment, and what follows the program's name. */
  readonly examples: readonly (readonly [string, string])[]
}

const OUTPUT: Flag = {
  name: 'output',
  type: 'string',
  value: 'format',
  choices: ['json'],
  help: 'json: for programs, on stdout',
  effect: 'new',
}

const PARTIAL: Flag = {
  name: 'partial',
  type: 'boolean',
  help: 'take what is whole where volumes are missing or damaged',
  effect: 'new',
}

export const ARCHIVE_COMMANDS: readonly ArchiveCommand[] = [
  {
    name: 'list',
    arguments: '<dir...>',
    help: 'print the images, sizes and volumes of archives',
    flags: [OUTPUT],
    examples: [
      ['what is on this disk', 'archive list /media/usb'],
      ['the references of all images', "archive list /media/usb --output json | jq -r '.images[].id'"],
    ],
  },
  {
    name: 'verify',
    arguments: '<dir...>',
    help: 'read every byte of the volumes and compare it with the digests',
    flags: [OUTPUT],
    examples: [
      ['all volumes of a directory', 'archive verify /media/usb'],
      ['one volume alone', 'archive verify /media/usb/mirror_000002.tar'],
    ],
  },
  {
    name: 'extract',
    arguments: '<dir...> <image> oci:<out>',
    help: 'write one image as an OCI image layout',
    flags: [PARTIAL, OUTPUT],
    examples: [
      ['an image by its name in the archive', 'archive extract /media/usb ubi9/ubi:latest oci:ubi'],
      ['and into podman', 'archive extract /media/usb ubi9/ubi:latest oci:ubi && podman pull oci:ubi'],
    ],
  },
  {
    name: 'serve',
    arguments: '<dir...>',
    help: 'serve the images as a read-only registry, straight from the volumes',
    flags: [
      {
        name: 'host',
        type: 'string',
        value: 'address',
        initial: '127.0.0.1',
        help: 'address to listen on',
        effect: 'new',
      },
      {
        name: 'port',
        short: 'p',
        type: 'integer',
        value: 'n',
        initial: '5000',
        help: 'port to listen on',
        effect: 'new',
      },
      { name: 'tls-cert', type: 'file', value: 'file', help: 'certificate, as PEM; needs --tls-key', effect: 'new' },
      { name: 'tls-key', type: 'file', value: 'file', help: 'its key, as PEM', effect: 'new' },
      PARTIAL,
      OUTPUT,
    ],
    examples: [
      ['on this machine', 'archive serve /media/usb'],
      ['for others, with TLS', 'archive serve /media/usb --host 0.0.0.0 --tls-cert tls.crt --tls-key tls.key'],
    ],
  },
]
