// Plays actions/cache for the tests: `node actions_cache.mjs save|restore KEY PATH [RESTORE_KEY…]` with the
// real client, whose main file ACTIONS_CACHE_MODULE names. Prints one line of JSON.
import { pathToFileURL } from 'node:url'

const [what, key, path, ...restoreKeys] = process.argv.slice(2)
const cache = await import(pathToFileURL(process.env.ACTIONS_CACHE_MODULE))
let outcome
try {
  outcome = what === 'save'
    ? { id: await cache.saveCache([path], key) }
    : { key: (await cache.restoreCache([path], key, restoreKeys)) ?? null }
} catch (problem) {
  outcome = { error: `${problem.name}: ${problem.message}` }
}
console.log(`outcome ${JSON.stringify(outcome)}`)
process.exit(0)
