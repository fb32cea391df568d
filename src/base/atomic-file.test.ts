import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { tempDir } from '../../test/support/temp-dir.ts'
import { writeFileAtomic } from './atomic-file.ts'

it('replaces the file, makes its directory, and leaves nothing beside it', async () => {
  await using directory = await tempDir()
  const path = join(directory.path, 'a', 'b.txt')
  await writeFileAtomic(path, 'old')

  await writeFileAtomic(path, 'new')

  expect(await readFile(path, 'utf8')).toBe('new')
  expect(await readdir(join(directory.path, 'a'))).toEqual(['b.txt'])
})

it('leaves no temporary file where it cannot write', async () => {
  await using directory = await tempDir()
  await mkdir(join(directory.path, 'taken'))

  await expect(writeFileAtomic(join(directory.path, 'taken'), 'x')).rejects.toMatchObject({
    code: 'DISK_FAILED',
    message: `writing ${join(directory.path, 'taken')}`,
  })

  expect(await readdir(directory.path)).toEqual(['taken'])
})
