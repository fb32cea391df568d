/**
 * Reading configuration files from disk.
 */
import { AirliftError, isSystemError } from '../base/errors.ts'
import { ConfigError } from './config-error.ts'
import { parseDeleteConfig, parseImageSetConfig } from './parse-image-set-config.ts'
import type { LoadedDeleteConfig, LoadedImageSetConfig } from './parse-image-set-config.ts'
import { readBounded } from './read-bounded.ts'
import type { ReadOptions } from './read-bounded.ts'

/** @throws {AirliftError} `CONFIG_UNREADABLE` or, with every problem, `CONFIG_INVALID`. */
export async function loadImageSetConfig(file: string, options: ReadOptions): Promise<LoadedImageSetConfig> {
  return parseImageSetConfig(await readConfig(file, options), file)
}

/** @throws {AirliftError} `CONFIG_UNREADABLE` or, with every problem, `CONFIG_INVALID`. */
export async function loadDeleteConfig(file: string, options: ReadOptions): Promise<LoadedDeleteConfig> {
  return parseDeleteConfig(await readConfig(file, options), file)
}

async function readConfig(file: string, options: ReadOptions): Promise<string> {
  const bytes = await read(file, options)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new ConfigError(file, [
      { file, line: 1, column: 1, path: '', text: '', message: 'is not text: it is not UTF-8' },
    ])
  }
}

async function read(file: string, options: ReadOptions): Promise<Uint8Array> {
  try {
    return await readBounded(file, options)
  } catch (error) {
    if (options.signal.aborted) throw options.signal.reason
    throw new AirliftError('CONFIG_UNREADABLE', `could not parse config: open ${file}: ${reason(error)}`, {
      cause: error,
      hint: 'name a readable file with --config',
    })
  }
}

/** In the words of the operating system, as Go prints them. */
function reason(error: unknown): string {
  if (isSystemError(error, 'ENOENT')) return 'no such file or directory'
  if (isSystemError(error, 'EACCES', 'EPERM')) return 'permission denied'
  if (isSystemError(error, 'EISDIR')) return 'is a directory'
  if (isSystemError(error, 'ENOTDIR')) return 'not a directory'
  return error instanceof Error ? error.message : String(error)
}
