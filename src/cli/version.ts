/** Which Airlift this is: the number of `package.json`, which the bundle does not have beside it; a test compares them. */
export const VERSION = '0.1.0'
