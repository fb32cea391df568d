/** Which Airlift this is; the bundler writes the number into the bundle. */
import packageJson from '../../package.json' with { type: 'json' }

export const VERSION: string = packageJson.version
